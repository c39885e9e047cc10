// Likes and reposts: many on few posts, through other people's reposts, twice, of things that are not
// posts, and taken back.
import { CAST, LEAVING } from './cast.mjs'

export async function like(world, by, subject, more = {}) {
  const as = `like.${by}.${subject}`
  return world.create(by, 'app.bsky.feed.like', { subject: world.ref(subject), ...more }, { as })
}

export async function repost(world, by, subject, more = {}) {
  const as = `repost.${by}.${subject}`
  return world.create(by, 'app.bsky.feed.repost', { subject: world.ref(subject), ...more }, { as })
}

export async function reactions(world) {
  for (const by of CAST) if (!['alice', 'quin', ...LEAVING].includes(by)) await like(world, by, 'alice.first')
  for (const by of ['bob', 'carol', 'dan', 'dora', 'evan', 'faye', 'hana', 'milo', 'omar', 'pia', 'rosa', 'sven'])
    await repost(world, by, 'alice.facets')
  const some = {
    alice: ['bob.images', 'fork', 'fork.bob', 'quote.alice', 'solo', 'chain.3', 'hana.ja', 'rosa.post', 'stream.5', 'bob.doomed'],
    bob: ['fork', 'fork.alice', 'chain', 'chain.2', 'alice.facets', 'carol.link'],
    carol: ['fork.alice', 'fork.evan', 'solo.5', 'dan.video', 'quote.by.evan'],
    dora: ['bob.emoji', 'fork.alice', 'hana.zh'],
    evan: ['fork.dora', 'fork', 'stream.1', 'bob.images'],
    faye: ['fork.bob', 'bob.images', 'chain', 'gap.2'],
    gus: ['alice.facets', 'hana.ja'],
    hana: ['alice.facets', 'quote.images', 'chain.8'],
  }
  for (const [by, subjects] of Object.entries(some)) for (const subject of subjects) await like(world, by, subject)

  for (const subject of ['bob.images', 'carol.link', 'hana.ko', 'stream.3']) await repost(world, 'alice', subject)
  await repost(world, 'bob', 'solo') // one's own
  await repost(world, 'carol', 'fork.alice') // a reply
  await repost(world, 'faye', 'bob.emoji')
  await repost(world, 'evan', 'stream.2')
  await repost(world, 'dan', 'rosa.post')
  await repost(world, 'hana', 'quote.by.evan')

  // By those who leave, who take some of it with them.
  for (const by of LEAVING) {
    await like(world, by, 'leaving')
    await repost(world, by, 'leaving')
  }

  // Found through a repost: both the author and the one who reposted hear of it.
  const via = { via: world.ref('repost.alice.bob.images') }
  await like(world, 'hana', 'bob.images', via)
  await repost(world, 'gus', 'bob.images', via)
  await like(world, 'pia', 'carol.link', { via: world.ref('repost.alice.carol.link') })

  // Twice by the same account, of nothing, and taken back.
  await like(world, 'bob', 'fork')
  await world.create('dan', 'app.bsky.feed.like', {
    subject: { uri: `at://${world.did('bob')}/app.bsky.feed.post/3aaaaaaaaaa4a`, cid: world.ref('fork').cid },
  })
  await like(world, 'carol', 'stream.7')
  await world.delete('like.carol.stream.7')
  await like(world, 'dan', 'stream.7')
  await world.delete('like.dan.stream.7')
  await like(world, 'dan', 'stream.7')
  await repost(world, 'dan', 'stream.7')
  await world.delete('repost.dan.stream.7')
}
