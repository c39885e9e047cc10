// Prints the published lexicons as JSON, by NSID, as the official client carries them.
import { schemas } from '@atproto/api'

process.stdout.write(JSON.stringify(Object.fromEntries(schemas.map((lexicon) => [lexicon.id, lexicon]))))
