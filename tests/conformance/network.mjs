// The reference network in one process: a PLC directory (in memory), a PDS (SQLite in a temporary
// folder), bsync and the reference AppView (PostgreSQL, Redis), and a feed generator (feed-server.mjs).
// Prints one line of JSON when all of them answer, then takes commands (../network/json-lines.mjs).
// Environment: DB_POSTGRES_URL, REDIS_HOST. Ends when its standard input does.
// Ozone is left out: takedowns are set on each AppView by the admin's method, and nothing else of
// what an AppView answers comes from it.
import { Client as PlcClient } from '@did-plc/lib'
import { mockNetworkUtilities, TestBsky, TestBsync, TestPds, TestPlc } from '@atproto/dev-env'
import { say, serve } from '../network/json-lines.mjs'
import { startFeedServer } from './feed-server.mjs'

const ADMIN_PASSWORD = 'admin-pass'
// Blobs are named by this URL; Millrace is given the same, so that image links can be compared.
const PUBLIC_URL = 'https://appview.example'
const BSYNC_KEY = 'bsync-key'
const SETTLE_WITHIN_MS = 30_000

const dbUrl = process.env.DB_POSTGRES_URL
const plc = await TestPlc.create({})
const pds = await TestPds.create({ didPlcUrl: plc.url, rateLimitsEnabled: false })
const moderator = await createModerator()
const bsync = await TestBsync.create({ apiKeys: [BSYNC_KEY], dbUrl, dbSchema: 'bsync' })
const bsky = await TestBsky.create({
  plcUrl: plc.url,
  pdsPort: pds.port,
  bsyncUrl: bsync.url,
  bsyncApiKey: BSYNC_KEY,
  repoProvider: `ws://localhost:${pds.port}`,
  dbPostgresUrl: dbUrl,
  dbPostgresSchema: 'reference',
  redisHost: process.env.REDIS_HOST,
  publicUrl: PUBLIC_URL,
  modServiceDid: moderator.did,
  labelsFromIssuerDids: [moderator.did],
  // What an operator says to clients; Millrace has no other answer.
  clientCheckEmailConfirmed: false,
  topicsEnabled: true,
})
mockNetworkUtilities(pds, bsky)
const feeds = await startFeedServer(plc.url)

say({
  plc: plc.url,
  pds: pds.url,
  firehose: `ws://localhost:${pds.port}`,
  reference: { url: bsky.url, did: bsky.serverDid },
  feeds: { url: feeds.url, did: feeds.did },
  publicUrl: PUBLIC_URL,
  moderator,
  adminPassword: ADMIN_PASSWORD,
  pid: process.pid,
})

await serve({
  // Waits until the reference AppView has indexed everything written so far.
  settle: async () => {
    await pds.processAll()
    const last = (await pds.ctx.sequencer.curr()) ?? 0
    const until = Date.now() + SETTLE_WITHIN_MS
    while (((await bsky.sub.getCursor()) ?? 0) < last) {
      if (Date.now() > until) throw new Error(`the reference AppView did not reach event ${last}`)
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
    await bsky.sub.processAll()
    await bsky.bsyncSub.processAll(await bsync.getStreamHeads(), SETTLE_WITHIN_MS)
    return last
  },
  // What the feed generator answers for a feed from now on.
  'feeds.set': ({ uri, feed }) => feeds.set(uri, feed),
  // There is no public API for who verifies: the reference keeps it in a column, Millrace in its configuration.
  'reference.trustVerifiers': ({ dids }) =>
    bsky.db.db.updateTable('actor').set({ trustedVerifier: true }).where('did', 'in', dids).execute().then(() => null),
  // The account's document names `handle`, which its PDS need not know: that is how a handle becomes invalid.
  'plc.setHandle': async ({ did, handle }) => {
    const client = new PlcClient(plc.url)
    await client.updateHandle(did, pds.ctx.plcRotationKey, handle)
    await pds.ctx.sequencer.sequenceIdentity(did, handle)
  },
})

setTimeout(() => process.exit(0), 5000).unref()
await Promise.allSettled([feeds.close(), bsky.close(), bsync.close(), pds.close(), plc.close()])
process.exit(0)

/** The moderation service's account; both AppViews trust it with labels and takedowns. */
async function createModerator() {
  const agent = pds.getAgent()
  const account = { handle: 'mod.test', email: 'mod@example.com', password: 'mod-pass' }
  await agent.createAccount(account)
  return { did: agent.assertDid, ...account }
}
