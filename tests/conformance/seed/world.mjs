// What the seed's parts write with: accounts by name, records and what they are called, and state that
// only an AppView keeps (mutes, bookmarks). After every write the reference AppView is given the time to
// index it, so that it sees the events of different accounts in the order they happened.
import { AtpAgent } from '@atproto/api'
import { Clock } from './clock.mjs'

export class World {
  /** @param network its child process; @param appviews those that are told what only AppViews keep, the reference first */
  constructor(network, appviews) {
    this.network = network
    this.appviews = appviews
    this.clock = new Clock()
    this.accounts = {} // name → {did, handle, password, agent}
    this.refs = {} // name → {uri, cid}
    this.owned = [] // what AppViews were told, to be told again to one that starts later
    this.records = 0
    this.seq = 0 // the newest event
  }

  async createAccount(name, handle = `${name}.test`) {
    const agent = new AtpAgent({ service: this.network.hello.pds })
    const password = `${name}-pass`
    await agent.createAccount({ handle, email: `${name}@example.com`, password })
    this.accounts[name] = { did: agent.assertDid, handle, password, agent }
    await this.settle()
  }

  did(name) {
    const account = this.accounts[name]
    if (!account) throw new Error(`no account "${name}"`)
    return account.did
  }

  /** {uri, cid} of a record that was given this name. */
  ref(name) {
    const ref = this.refs[name]
    if (!ref) throw new Error(`no record "${name}"`)
    return ref
  }

  uri(name) {
    return this.ref(name).uri
  }

  /** Writes a record; its time and key come from the clock unless `record` or `rkey` say otherwise. */
  async create(by, collection, record, { as, rkey } = {}) {
    const now = this.clock.tick()
    const { data } = await this.accounts[by].agent.com.atproto.repo.createRecord({
      repo: this.did(by),
      collection,
      rkey: rkey ?? now.rkey,
      record: { $type: collection, createdAt: now.createdAt, ...record },
      validate: false,
    })
    return this.#written(as, data)
  }

  /** Replaces a record, or makes one with a key of its own (`self`, the key of a gated post). */
  async put(by, collection, rkey, record, { as } = {}) {
    const { createdAt } = this.clock.tick()
    const { data } = await this.accounts[by].agent.com.atproto.repo.putRecord({
      repo: this.did(by),
      collection,
      rkey,
      record: { $type: collection, createdAt, ...record },
      validate: false,
    })
    return this.#written(as, data)
  }

  async delete(name) {
    const [, , did, collection, rkey] = this.uri(name).split('/')
    const { agent } = Object.values(this.accounts).find((account) => account.did === did)
    await agent.com.atproto.repo.deleteRecord({ repo: did, collection, rkey })
    await this.settle()
  }

  async upload(by, bytes, encoding) {
    const { data } = await this.accounts[by].agent.com.atproto.repo.uploadBlob(bytes, { encoding })
    return data.blob
  }

  /**
   * Tells every AppView something in the name of an account: a mute, a bookmark. What one of them does
   * not take yet is told to none, so that it is missing in the answers about itself only.
   */
  async tell(viewer, nsid, input) {
    const write = { viewer, nsid, input }
    for (const appview of this.appviews.toReversed()) {
      await appview.visible(this.seq) // what it is told about must be there
      if (!(await appview.tell(this.accounts[viewer], write))) return
    }
    this.owned.push(write)
    await this.settle()
  }

  async settle() {
    this.seq = await this.network.call('settle')
  }

  async #written(as, { uri, cid }) {
    this.records++
    if (as) this.refs[as] = { uri, cid }
    await this.settle()
    return { uri, cid }
  }
}
