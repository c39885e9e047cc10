// An AppView as a PDS sees it: questions go to its own port with a service token of the account that asks,
// minted by the account's PDS for this AppView and this method. Every token is used once.
import { AtpAgent } from '@atproto/api'

const ANSWER_WITHIN_MS = 30_000
export const NOT_THERE = 501
const LABELERS_HEADER = 'atproto-accept-labelers'

export class AppView {
  constructor(name, url, did) {
    this.name = name
    this.url = url
    this.did = did
  }

  /** Asks one question; `account` is null for nobody. The body is parsed JSON, or text when it is none. */
  async ask(account, nsid, params, { labelers } = {}) {
    const headers = await this.#authorization(account, nsid)
    if (labelers) headers[LABELERS_HEADER] = labelers
    const response = await this.#fetch(`${nsid}?${query(params)}`, { headers })
    return {
      status: response.status,
      repoRev: response.headers.get('atproto-repo-rev'),
      contentLabelers: response.headers.get('atproto-content-labelers'),
      body: json(await response.text()),
    }
  }

  /** Waits until events up to `seq` show in answers. The reference is waited for after every write. */
  async visible(_seq) {}

  /** Has something done; false when this AppView does not know the method. */
  async tell(account, { nsid, input }) {
    const headers = { ...(await this.#authorization(account, nsid)), 'content-type': 'application/json' }
    const response = await this.#fetch(nsid, { method: 'POST', headers, body: JSON.stringify(input) })
    if (response.status === NOT_THERE) return false
    if (!response.ok) throw new Error(`${this.name} ${nsid}: ${response.status} ${await response.text()}`)
    return true
  }

  #fetch(path, init) {
    return fetch(`${this.url}/xrpc/${path}`, { ...init, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })
  }

  async #authorization(account, lxm) {
    if (!account) return {}
    const agent = await session(account)
    const { data } = await agent.com.atproto.server.getServiceAuth({ aud: this.did, lxm })
    return { authorization: `Bearer ${data.token}` }
  }
}

/** The account's session; one that was written down without it signs in again. */
async function session(account) {
  if (!account.agent) {
    account.agent = new AtpAgent({ service: account.pds })
    await account.agent.login({ identifier: account.did, password: account.password })
  }
  return account.agent
}

/** Arrays become repeated parameters. */
export function query(params) {
  const pairs = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) for (const one of [value].flat()) pairs.append(name, one)
  return pairs
}

function json(text) {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
