// What happens after everything was written: deletions, accounts that leave, handles that change, pinned
// posts, and times that cannot be true. Times in the future come last: they are sorted by when they arrived.
import { post } from './posts.mjs'
import { like } from './reactions.mjs'

export async function endings(world) {
  for (const name of ['bob.doomed', 'gap.1', 'rootless', 'list.doomed']) await world.delete(name)
  await pins(world)
  await handles(world)
  await leaving(world)
  await oddTimes(world)
}

async function pins(world) {
  const pin = (by, name, text) =>
    world.put(by, 'app.bsky.actor.profile', 'self', { displayName: by, ...text, pinnedPost: world.ref(name) })
  await pin('bob', 'bob.images', { description: 'pinned pictures' })
  await pin('faye', 'quote.with.link', {})
  await pin('dan', 'gap', { displayName: 'Dan the third', description: 'lists' })
  await pin('carol', 'bob.doomed', { displayName: 'Carol 🌊', description: 'threads' }) // gone
  await pin('hana', 'alice.first', { displayName: '花子' }) // not one's own
}

async function handles(world) {
  const { agent } = world.accounts.lena
  await agent.com.atproto.identity.updateHandle({ handle: 'lena-moved.test' })
  world.accounts.lena.handle = 'lena-moved.test'
  await world.network.call('plc.setHandle', { did: world.did('milo'), handle: 'milo-has-no-home.test' })
  world.accounts.milo.handle = undefined
  await world.settle()
}

async function leaving(world) {
  const { pds, adminPassword } = world.network.hello
  const asAdmin = async (nsid, input) => {
    const response = await fetch(`${pds}/xrpc/${nsid}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Basic ${btoa(`admin:${adminPassword}`)}` },
      body: JSON.stringify(input),
    })
    if (!response.ok) throw new Error(`${nsid}: ${response.status} ${await response.text()}`)
  }
  await world.accounts.ivan.agent.com.atproto.server.deactivateAccount({})
  await world.accounts.sven.agent.com.atproto.server.deactivateAccount({})
  await world.settle()
  await world.accounts.sven.agent.com.atproto.server.activateAccount()
  await world.settle()
  await asAdmin('com.atproto.admin.updateSubjectStatus', {
    subject: { $type: 'com.atproto.admin.defs#repoRef', did: world.did('kurt') },
    takedown: { applied: true, ref: 'terms' },
  })
  await world.settle()
  await asAdmin('com.atproto.admin.deleteAccount', { did: world.did('judy') })
  await world.settle()
  for (const name of ['ivan', 'kurt', 'judy']) world.accounts[name].gone = true
}

async function oddTimes(world) {
  await post(world, 'carol', 'time.old', 'from before there was anything', { createdAt: '1985-04-12T23:20:50.520Z' })
  await post(world, 'carol', 'time.zone', 'with a zone', { createdAt: '2025-05-30T10:00:00.123456+02:00' })
  await post(world, 'bob', 'time.short', 'without fractions', { createdAt: '2025-05-30T11:00:00Z' })
  await like(world, 'gus', 'time.old', { createdAt: '2031-01-01T00:00:00.000Z' })
  await post(world, 'carol', 'time.future', 'from the future', { createdAt: '2099-01-01T00:00:00.000Z' })
  await world.create('gus', 'app.bsky.graph.follow', { subject: world.did('carol'), createdAt: '2098-01-01T00:00:00.000Z' })
}
