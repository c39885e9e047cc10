// Holds answers that tests were given against the lexicons' output schemas, with the protocol's own validators.
//   node answers.mjs FOLDER METHODS_MIN
// FOLDER has files of lines {"nsid", "text"}, written by crates/appview/tests/it/answers.rs. Fails when an
// answer is not what its lexicon says, and when fewer than METHODS_MIN methods gave one at all.
import fs from 'node:fs'
import path from 'node:path'
import { schemas } from '@atproto/api'
import { Lexicons, jsonToLex } from '@atproto/lexicon'

const SHOWN_MAX = 20
const TEXT_SHOWN_CHARS = 400

const [folder, methodsMin] = process.argv.slice(2)
const lexicons = new Lexicons(schemas)
const outputs = new Map(schemas.map(({ id, defs }) => [id, defs.main?.output?.schema !== undefined]))
const methods = new Map()
const wrong = []
let answers = 0

for (const file of fs.readdirSync(folder)) {
  // Not by `readline`, which also takes U+2028 for the end of a line.
  for (const line of fs.readFileSync(path.join(folder, file), 'utf8').split('\n')) {
    if (line === '') continue
    const { nsid, text } = JSON.parse(line)
    if (!outputs.get(nsid)) continue
    answers += 1
    methods.set(nsid, (methods.get(nsid) ?? 0) + 1)
    try {
      lexicons.assertValidXrpcOutput(nsid, jsonToLex(JSON.parse(text)))
    } catch (error) {
      wrong.push(`${nsid}: ${error.message}\n    ${text.slice(0, TEXT_SHOWN_CHARS)}`)
    }
  }
}

for (const one of [...new Set(wrong)].slice(0, SHOWN_MAX)) console.log(one)
const few = methods.size < Number(methodsMin)
if (few) console.log(`only ${methods.size} methods gave an answer, of at least ${methodsMin} that are expected to`)
console.log(`${answers} answers of ${methods.size} methods held against their lexicons: ${wrong.length} wrong`)
const failed = wrong.length > 0 || few
console.log(failed ? 'ℹ fail 1' : 'ℹ pass 1')
process.exit(failed ? 1 : 0)
