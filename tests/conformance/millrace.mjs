// Millrace beside the reference: `millrace serve` on a folder of its own, following the same PDS from its
// first event, with the same PLC, moderation service and image addresses. It ends with this process.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { AppView } from './appview.mjs'

const ADMIN_PASSWORD = 'conformance'
const READY_WITHIN_MS = 60_000
const VISIBLE_WITHIN_MS = 180_000
const POLL_MS = 50
const SETPRIV = '/usr/bin/setpriv'

/**
 * @param binary the program; @param dir a folder for its data, emptied first
 * @param settings.network what is to be followed
 * @param settings.verifiers DIDs of accounts whose verifications count
 * @param settings.threads how many accounts' events are taken in at once; 0: one for each processor
 */
export async function startMillrace(binary, dir, settings) {
  fs.rmSync(dir, { recursive: true, force: true })
  fs.mkdirSync(dir, { recursive: true })
  const [appview, internal, metrics] = await freePorts(3)
  const did = `did:web:localhost%3A${appview}`
  const config = path.join(dir, 'millrace.toml')
  fs.writeFileSync(config, configuration({ appview, internal, metrics, did, ...settings }))
  const log = path.join(dir, 'millrace.log')
  const output = fs.openSync(log, 'w')
  const command = [binary, 'serve', '--config', config, '--data-dir', path.join(dir, 'data')]
  // It goes down with this process, also when that is killed.
  if (fs.existsSync(SETPRIV)) command.unshift(SETPRIV, '--pdeathsig', 'TERM', '--')
  const child = spawn(command[0], command.slice(1), { env: { PATH: process.env.PATH }, stdio: ['ignore', output, output] })
  fs.closeSync(output)
  const millrace = new Millrace(`http://localhost:${appview}`, did, child, log)
  await millrace.until('ready', READY_WITHIN_MS, async () => (await fetch(`${millrace.url}/ready`)).ok)
  return millrace
}

/** One that somebody else started: it says itself who it is. */
export async function findMillrace(url) {
  const { id } = await (await fetch(`${url}/.well-known/did.json`)).json()
  return new Millrace(url, id)
}

class Millrace extends AppView {
  #child
  #log

  constructor(url, did, child, log) {
    super('millrace', url, did)
    this.#child = child
    this.#log = log
  }

  async visible(seq) {
    if (!this.#child) return
    const headers = { authorization: `Basic ${btoa(`admin:${ADMIN_PASSWORD}`)}` }
    await this.until(`event ${seq} to be visible`, VISIBLE_WITHIN_MS, async () => {
      const { sources } = await (await fetch(`${this.url}/api/v1/admin/sources`, { headers })).json()
      return sources.every((source) => (source.visibleSeq ?? 0) >= seq)
    })
  }

  async until(what, withinMs, holds) {
    for (const end = Date.now() + withinMs; ; await new Promise((resolve) => setTimeout(resolve, POLL_MS))) {
      if (await holds().catch(() => false)) return
      const over = this.#child && this.#child.exitCode !== null
      if (over || Date.now() > end) throw new Error(`Millrace ${over ? 'ended' : 'took too long'}: waiting for ${what}; see ${this.#log}`)
    }
  }

  async end() {
    if (!this.#child || this.#child.exitCode !== null) return
    const exit = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGTERM')
    await exit
  }
}

function configuration({ appview, internal, metrics, did, network, verifiers, threads }) {
  return `
[network]
allow_loopback = true
plc_url = "${network.plc}"
handle_resolver_url = "${network.pds}"

[ingest]
verify_threads = ${threads}

[[ingest.sources]]
name = "pds"
kind = "pds"
url = "${network.firehose}"
cursor = 0

[dataplane]
listen = "127.0.0.1:${internal}"
url = "http://127.0.0.1:${internal}"

[appview]
listen = "127.0.0.1:${appview}"
metrics_listen = "127.0.0.1:${metrics}"
service_did = "${did}"
public_url = "${network.publicUrl}"
moderation_did = "${network.moderator.did}"
trusted_labelers = ["${network.moderator.did}"]
trusted_verifiers = ${JSON.stringify(verifiers)}
admin_password = "${ADMIN_PASSWORD}"
`
}

/** Held open together, so that they are different ones. */
async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, () => new Promise((resolve) => net.createServer().listen(0, '127.0.0.1', function () { resolve(this) }))),
  )
  const ports = servers.map((server) => server.address().port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
