// Ozone, the protocol's own moderation service: what it serves and its daemon, in one Node process.
// Its identity is registered already (light-net.mjs). Prints a line when it answers, then takes commands
// (json-lines.mjs):
//   ozone.pushed   everything decided so far was told to the AppView and the PDS
// Environment: PORT, PLC_URL, DID, SIGNING_KEY (hex), ADMIN_DID (an account that may do everything), APPVIEW_URL,
// APPVIEW_DID, PDS_URL, PDS_DID, POSTGRES_URL. Ends when its standard input does.
import * as ozone from '@atproto/ozone'
import { say, serve } from './json-lines.mjs'

const env = process.env
const SCHEMA = 'ozone'
const PUSHED_WITHIN_MS = 30_000

const settings = {
  devMode: true,
  version: '0.0.0',
  port: Number(env.PORT),
  publicUrl: `http://localhost:${env.PORT}`,
  serverDid: env.DID,
  signingKeyHex: env.SIGNING_KEY,
  didPlcUrl: env.PLC_URL,
  appviewUrl: env.APPVIEW_URL,
  appviewDid: env.APPVIEW_DID,
  appviewPushEvents: true,
  pdsUrl: env.PDS_URL,
  pdsDid: env.PDS_DID,
  dbPostgresUrl: env.POSTGRES_URL,
  dbPostgresSchema: SCHEMA,
  adminPassword: 'ozone-pass',
  adminDids: [env.ADMIN_DID],
  moderatorDids: [],
  triageDids: [],
  cdnPaths: [],
  verifierIssuersToIndex: [],
}

const database = new ozone.Database({ url: env.POSTGRES_URL, schema: SCHEMA })
await database.migrateToLatestOrThrow()
await database.close()

const config = ozone.envToCfg(settings)
const secrets = ozone.envToSecrets(settings)
const server = await ozone.OzoneService.create(config, secrets)
await server.start()
const daemon = await ozone.OzoneDaemon.create(config, secrets)
await daemon.start()

say({ url: settings.publicUrl })

await serve({
  'ozone.pushed': async () => {
    const until = Date.now() + PUSHED_WITHIN_MS
    await server.ctx.backgroundQueue.processAll()
    while (await unpushed()) {
      if (Date.now() > until) throw new Error('something decided was not told to the AppView or the PDS')
      await daemon.ctx.eventPusher.processAll()
    }
  },
})

setTimeout(() => process.exit(0), 3000).unref()
await daemon.destroy()
await server.destroy()
process.exit(0)

async function unpushed() {
  const tables = ['repo_push_event', 'record_push_event', 'blob_push_event']
  const left = await Promise.all(
    tables.map((table) =>
      server.ctx.db.db.selectFrom(table).where('confirmedAt', 'is', null).select('id').executeTakeFirst(),
    ),
  )
  return left.some((row) => row !== undefined)
}
