// The accounts, their profiles with pictures and self-labels, and what they declare about themselves.
import { CAST } from './cast.mjs'
import { jpeg, png } from './images.mjs'

const PROFILES = {
  alice: { displayName: 'Alice Ålund', description: 'writes about rivers\n\nand mills', pronouns: 'she/her', website: 'https://alice.example/about' },
  bob: { displayName: 'bob', description: 'bob of @alice.test fame, see https://bob.example' },
  carol: { displayName: 'Carol 🌊', description: 'threads' },
  dan: { displayName: 'Dan', description: '' },
  dora: { displayName: 'Dora', description: 'blocks people' },
  evan: { displayName: '  Evan  ', description: 'is blocked' },
  faye: { displayName: 'Faye', description: 'mutes people' },
  hana: { displayName: '花子', description: '水車小屋について書きます。물레방아. 水磨坊' },
  ivan: { displayName: 'Ivan', description: 'leaves' },
  judy: { displayName: 'Judy', description: 'leaves for good' },
  kurt: { displayName: 'Kurt', description: 'goes too far' },
  lena: { displayName: 'Lena', description: 'moves' },
  milo: { displayName: 'Milo', description: 'lost the domain' },
  nora: { displayName: 'Nora, who verifies', description: 'verifies' },
  omar: { displayName: 'Omar', description: 'labels things' },
  pia: { displayName: 'Pia', description: 'feeds and packs' },
  rosa: { displayName: 'Rosa', description: 'shy' },
  sven: { displayName: 'Sven', description: 'comes back' },
}
const SELF_LABELS = { rosa: ['!no-unauthenticated'], kurt: ['spam', 'made-up'], omar: ['porn'] }
const WITH_BANNER = ['alice', 'bob', 'hana', 'pia']
const WITHOUT_AVATAR = ['dan', 'ivan']

/** Accounts first: their DIDs go into the configuration of whoever indexes them. */
export async function accounts(world) {
  for (const name of CAST) await world.createAccount(name)
}

export async function profiles(world) {
  for (const [index, [name, text]] of Object.entries(PROFILES).entries()) {
    const profile = { ...text }
    if (!WITHOUT_AVATAR.includes(name)) profile.avatar = await world.upload(name, jpeg(`avatar of ${name}`), 'image/jpeg')
    if (WITH_BANNER.includes(name)) profile.banner = await world.upload(name, png(30, 10, [index * 9, 80, 160]), 'image/png')
    if (SELF_LABELS[name]) profile.labels = selfLabels(SELF_LABELS[name])
    await world.put(name, 'app.bsky.actor.profile', 'self', profile, { as: `profile.${name}` })
  }
  // A second version: only the newest may be seen.
  await world.put('dan', 'app.bsky.actor.profile', 'self', { displayName: 'Dan the second', description: 'lists' })
}

export async function declarations(world) {
  const chat = (name, allowIncoming) => world.put(name, 'chat.bsky.actor.declaration', 'self', { allowIncoming })
  await chat('alice', 'all')
  await chat('bob', 'following')
  await chat('dora', 'none')
  const activity = (name, allowSubscriptions) =>
    world.put(name, 'app.bsky.notification.declaration', 'self', { allowSubscriptions })
  await activity('alice', 'followers')
  await activity('bob', 'mutuals')
  await activity('carol', 'none')
  // Only while it lasts: this one is live for as long as the run may take, that one was over long ago.
  await world.put('omar', 'app.bsky.actor.status', 'self', {
    createdAt: new Date().toISOString(),
    status: 'app.bsky.actor.status#live',
    durationMinutes: 240,
    embed: {
      $type: 'app.bsky.embed.external',
      external: { uri: 'https://stream.example/omar', title: 'Omar, live', description: 'labelling' },
    },
  })
  await world.put('bob', 'app.bsky.actor.status', 'self', { status: 'app.bsky.actor.status#live', durationMinutes: 5 })
}

export function selfLabels(values) {
  return { $type: 'com.atproto.label.defs#selfLabels', values: values.map((val) => ({ val })) }
}
