// The reference AppView for `make bench`: its data-plane on PostgreSQL and its public server in one process, as
// its own development network runs them, following the relay it is given. Nothing else of that network is
// needed: the relay's directory knows every account. Speaks JSON lines (../network/json-lines.mjs).
// Environment: FIREHOSE, PLC, RELAY, DB_POSTGRES_URL.
import net from 'node:net'
import { Secp256k1Keypair } from '@atproto/crypto'
import * as bsky from '@atproto/bsky'
import { say, serve } from '../network/json-lines.mjs'

const { FIREHOSE, PLC, RELAY, DB_POSTGRES_URL } = process.env
const POOL = 10
const SCHEMA = 'reference'

const port = await freePort()
const dataplanePort = await freePort()
const serverDid = `did:web:localhost%3A${port}`
const migration = new bsky.Database({ url: DB_POSTGRES_URL, schema: SCHEMA })
await migration.migrateToLatestOrThrow()
await migration.close()

const db = new bsky.Database({ url: DB_POSTGRES_URL, schema: SCHEMA, poolSize: POOL })
const dataplane = await bsky.DataPlaneServer.create(db, dataplanePort, PLC)
// Handles cannot be looked up in the DNS here; the relay knows them all, and answers at once.
const handles = await (await fetch(`${RELAY}/handles`)).json()
dataplane.idResolver.handle.resolve = async (handle) => handles[handle]

const config = new bsky.ServerConfig({
  version: 'bench',
  port,
  didPlcUrl: PLC,
  publicUrl: `http://localhost:${port}`,
  serverDid,
  alternateAudienceDids: [],
  dataplaneUrls: [`http://localhost:${dataplanePort}`],
  dataplaneHttpVersion: '1.1',
  bsyncUrl: 'http://localhost:1',
  bsyncHttpVersion: '1.1',
  bsyncApiKey: 'bench',
  modServiceDid: 'did:example:invalidMod',
  labelsFromIssuerDids: [],
  bigThreadUris: new Set(),
  maxThreadParents: 50,
  disableSsrfProtection: true,
  searchTagsHide: new Set(),
  searchTagsHideAll: new Set(),
  threadTagsBumpDown: new Set(),
  threadTagsHide: new Set(),
  visibilityTagHide: '',
  visibilityTagRankPrefix: '',
  debugFieldAllowedDids: new Set(),
  draftsLimit: 500,
  adminPasswords: ['bench'],
  etcdHosts: [],
})
const server = bsky.BskyAppView.create({ config, signingKey: await Secp256k1Keypair.create() })
await server.start()
const sub = new bsky.RepoSubscription({ service: FIREHOSE, db, idResolver: dataplane.idResolver })
void sub.start()

say({ url: `http://localhost:${port}`, did: serverDid, pid: process.pid })

await serve({
  // Everything up to this event is indexed.
  cursor: () => sub.getCursor() ?? 0,
  // Notices and counts are written behind the events; this waits for them.
  settle: async () => {
    await sub.processAll()
    return null
  },
})

setTimeout(() => process.exit(0), 5000).unref()
await Promise.allSettled([sub.destroy(), server.destroy(), dataplane.destroy()])
process.exit(0)

function freePort() {
  return new Promise((resolve) => {
    const probe = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}
