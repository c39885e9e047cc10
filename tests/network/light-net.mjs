// A real network in one process: a PLC directory (kept in memory) and a PDS (SQLite in a folder).
// Prints one line of JSON when both answer, then takes commands (json-lines.mjs):
//   pds.stop, pds.start, plc.stop, plc.start   the same data and port afterwards
//   plc.register {handle, url, id, type}       a new identity with this service at that address; its DID
//   pds.latestSeq                              the sequence number of the newest firehose event
//   pds.holdRepos, pds.releaseRepos            who asks for a repository waits until it is released
//   pds.sessions {did}                         an account's sessions by OAuth, as their server has them
//   pds.tokensLast {ms}                        how long access tokens are good that are given out from now on
// Environment:
//   APPVIEW_URL          where the PDS sends app.bsky.*; a did:plc naming it is registered
//   MODERATION_URL       whom the PDS lets moderate; a did:plc naming it as labeler is registered
//   DATA_DIR             keeps the PDS's data (default: a temporary folder, removed at the end)
//   PLC_PORT, PDS_PORT   default: free ports
// Ends when its standard input does.
import fs from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { Secp256k1Keypair } from '@atproto/crypto'
import { PDS } from '@atproto/pds'
import plcLib from '@did-plc/lib'
import plcServer from '@did-plc/server'
import { say, serve } from './json-lines.mjs'

const env = process.env
const ADMIN_PASSWORD = 'admin-pass'

const plcPort = Number(env.PLC_PORT) || (await freePort())
const pdsPort = Number(env.PDS_PORT) || (await freePort())
const plcUrl = `http://localhost:${plcPort}`
const pdsUrl = `http://localhost:${pdsPort}`
const dir = env.DATA_DIR ?? (await fs.mkdtemp(path.join(os.tmpdir(), 'millrace-pds-')))
await fs.mkdir(path.join(dir, 'data'), { recursive: true })

const plcDb = plcServer.Database.mock()
let plc = await startPlc()
const appview = env.APPVIEW_URL ? await registerAppview(env.APPVIEW_URL) : null
const moderation = env.MODERATION_URL ? await registerModeration(env.MODERATION_URL) : null
const pdsSettings = await settings()
let held = null
let pds = await startPds()

say({
  plc: plcUrl,
  pds: pdsUrl,
  firehose: `ws://localhost:${pdsPort}/xrpc/com.atproto.sync.subscribeRepos`,
  adminPassword: ADMIN_PASSWORD,
  pdsDid: pds.ctx.cfg.service.did,
  appview,
  moderation,
})

await serve({
  'plc.stop': async () => { await plc?.destroy(); plc = null },
  'plc.start': async () => { plc ??= await startPlc() },
  'plc.register': async ({ handle, url, id, type }) =>
    (await register(handle, url, { [id]: { type, endpoint: url } })).did,
  'pds.stop': async () => { await pds?.destroy(); pds = null },
  'pds.start': async () => { pds ??= await startPds() },
  'pds.holdRepos': async () => { held = Promise.withResolvers() },
  'pds.releaseRepos': async () => { held?.resolve(); held = null },
  'pds.sessions': async ({ did }) => {
    const sessions = await pds.ctx.oauthProvider.tokenManager.listAccountTokens(did)
    return sessions.map(({ data }) => ({
      clientId: data.clientId,
      clientAuth: data.clientAuth,
      createdAt: data.createdAt,
      updatedAt: data.updatedAt,
      isExpired: data.expiresAt < new Date(),
    }))
  },
  'pds.tokensLast': async ({ ms }) => { pds.ctx.oauthProvider.tokenManager.tokenMaxAge = ms },
  'pds.latestSeq': async () => (await pds.ctx.sequencer.curr()) ?? 0,
})

// A socket that will not close must not keep the process alive.
setTimeout(() => process.exit(0), 3000).unref()
await pds?.destroy()
await plc?.destroy()
if (!env.DATA_DIR) await fs.rm(dir, { recursive: true, force: true })
process.exit(0)

async function startPlc() {
  const server = plcServer.PlcServer.create({ db: plcDb, port: plcPort })
  await server.start()
  return server
}

async function startPds() {
  const server = await PDS.fromEnv(pdsSettings)
  // Handles of this PDS live in its own accounts, not in DNS.
  server.ctx.idResolver.handle.resolve = async (handle) =>
    (await server.ctx.accountManager.getAccount(handle))?.did
  holdable(await server.start())
  return server
}

/** Has whoever asks for a repository wait while they are held. */
function holdable(server) {
  const answers = server.listeners('request')
  server.removeAllListeners('request')
  server.on('request', async (request, response) => {
    if (request.url.startsWith('/xrpc/com.atproto.sync.getRepo?')) await held?.promise
    for (const answer of answers) answer.call(server, request, response)
  })
}

async function settings() {
  const [rotation, recovery] = await Promise.all([newKey(), newKey()])
  return {
    devMode: true,
    port: pdsPort,
    hostname: 'localhost',
    didPlcUrl: plcUrl,
    dataDirectory: path.join(dir, 'data'),
    blobstoreDiskLocation: path.join(dir, 'blobs'),
    plcRotationKeyK256PrivateKeyHex: await hex(rotation),
    recoveryDidKey: recovery.did(),
    jwtSecret: 'jwt-secret',
    adminPassword: ADMIN_PASSWORD,
    serviceHandleDomains: ['.test'],
    inviteRequired: false,
    rateLimitsEnabled: false,
    disableSsrfProtection: true, // everything here is on loopback
    bskyAppViewUrl: appview?.url ?? 'https://appview.invalid',
    bskyAppViewDid: appview?.did ?? 'did:example:invalid',
    modServiceUrl: moderation?.url ?? 'https://moderation.invalid',
    modServiceDid: moderation?.did ?? 'did:example:invalid',
  }
}

/** A did:plc whose document names `url` as AppView. */
async function registerAppview(url) {
  const { did } = await register('appview.test', url, {
    bsky_appview: { type: 'BskyAppView', endpoint: url },
    bsky_notif: { type: 'BskyNotificationService', endpoint: url },
  })
  return { url, did }
}

/** A did:plc whose document names `url` as labeler, and the key that it signs labels with. */
async function registerModeration(url) {
  const services = { atproto_labeler: { type: 'AtprotoLabeler', endpoint: url } }
  const { did, key } = await register('moderation.test', url, services, 'atproto_label')
  return { url, did, signingKey: await hex(key) }
}

async function register(handle, url, services, keyName) {
  const key = await newKey()
  const client = new plcLib.Client(plcUrl)
  const did = await client.createDid({
    signingKey: key.did(),
    rotationKeys: [key.did()],
    handle,
    pds: url,
    signer: key,
  })
  await client.updateData(did, key, (data) => ({
    ...data,
    services: { ...data.services, ...services },
    verificationMethods: { ...data.verificationMethods, ...(keyName && { [keyName]: key.did() }) },
  }))
  return { did, key }
}

function newKey() {
  return Secp256k1Keypair.create({ exportable: true })
}

async function hex(key) {
  return Buffer.from(await key.export()).toString('hex')
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}
