// What accounts offer others: feeds, starter packs, labels, verifications.
import { VERIFIERS } from './cast.mjs'
import { addTo } from './lists.mjs'
import { jpeg, png } from './images.mjs'
import { like } from './reactions.mjs'
import { post } from './posts.mjs'

export async function services(world) {
  await feeds(world)
  await packs(world)
  await labeler(world)
  await verifications(world)
  await quotesOfThem(world)
}

async function feeds(world) {
  const { did } = world.network.hello.feeds
  const feed = (by, rkey, record) =>
    world.create(by, 'app.bsky.feed.generator', { did, displayName: rkey, ...record }, { as: `feed.${rkey}`, rkey })
  await feed('pia', 'rivers', {
    displayName: 'Rivers',
    description: 'all about rivers, by @pia.test',
    descriptionFacets: [{ index: { byteStart: 24, byteEnd: 33 }, features: [{ $type: 'app.bsky.richtext.facet#mention', did: world.did('pia') }] }],
    avatar: await world.upload('pia', jpeg('rivers'), 'image/jpeg'),
    acceptsInteractions: true,
  })
  await feed('pia', 'empty', { labels: { $type: 'com.atproto.label.defs#selfLabels', values: [{ val: 'spam' }] } })
  await feed('pia', 'broken', {})
  await feed('pia', 'refuses', {})
  await feed('pia', 'unserved', { contentMode: 'app.bsky.feed.defs#contentModeVideo' })
  await feed('bob', 'homeless', { did: 'did:plc:nobodyhasthisidentifierx' })
  await feed('evan', 'mine', {})
  const rivers = ['alice.first', 'bob.images', 'fork.alice', 'quote.by.evan', 'hana.ja', 'stream.4', 'stream.6', 'gap.2', 'rosa.post', 'kurt.none', 'bob.doomed', 'stream.9', 'dan.video']
    .filter((name) => world.refs[name])
    .map((name) => ({ post: world.uri(name) }))
  rivers.splice(2, 0, {
    post: world.uri('carol.link'),
    reason: { $type: 'app.bsky.feed.defs#skeletonReasonRepost', repost: world.uri('repost.alice.carol.link') },
    feedContext: 'because of alice',
  })
  rivers.splice(4, 0, { post: world.uri('chain'), reason: { $type: 'app.bsky.feed.defs#skeletonReasonPin' } })
  rivers.push({ post: `at://${world.did('bob')}/app.bsky.feed.post/3aaaaaaaaaa5a` })
  await world.network.call('feeds.set', { uri: world.uri('feed.rivers'), feed: rivers })
  await world.network.call('feeds.set', { uri: world.uri('feed.empty'), feed: [] })
  await world.network.call('feeds.set', { uri: world.uri('feed.mine'), feed: rivers.slice(0, 3) })
  for (const by of ['alice', 'bob', 'evan', 'faye']) await like(world, by, 'feed.rivers')
  await like(world, 'carol', 'feed.empty')
}

async function packs(world) {
  const pack = async (by, as, subjects, record) => {
    const list = `list.${as}`
    await world.create(by, 'app.bsky.graph.list', { purpose: 'app.bsky.graph.defs#referencelist', name: as }, { as: list })
    await addTo(world, by, list, subjects)
    await world.create(by, 'app.bsky.graph.starterpack', { list: world.uri(list), ...record }, { as })
  }
  await pack('pia', 'pack.rivers', ['pia', 'alice', 'bob', 'hana', 'evan', 'carol', 'dora', 'faye', 'ivan', 'rosa'], {
    name: 'River beginners',
    description: 'start here',
    feeds: [{ uri: world.uri('feed.rivers') }, { uri: world.uri('feed.mine') }],
  })
  await pack('alice', 'pack.small', ['alice', 'bob'], { name: 'Two people' })
  await pack('evan', 'pack.evan', ['evan'], { name: 'only me' })
  await pack('pia', 'pack.second', ['pia', 'gus', 'alice'], { name: 'beginners, the second' })
  // Somebody who came through a pack says so in the profile.
  const joinedViaStarterPack = world.ref('pack.rivers')
  await world.put('gus', 'app.bsky.actor.profile', 'self', { displayName: 'Gus', description: 'new here', joinedViaStarterPack }, { as: 'profile.gus' })
}

async function labeler(world) {
  const definition = {
    identifier: 'rude',
    severity: 'inform',
    blurs: 'content',
    defaultSetting: 'warn',
    adultOnly: false,
    locales: [{ lang: 'en', name: 'Rude', description: 'not polite' }],
  }
  const policies = { labelValues: ['rude', 'spam', '!hide'], labelValueDefinitions: [definition] }
  const extra = { reasonTypes: ['com.atproto.moderation.defs#reasonSpam'], subjectTypes: ['account'], subjectCollections: ['app.bsky.feed.post'] }
  await world.put('omar', 'app.bsky.labeler.service', 'self', { policies, ...extra }, { as: 'labeler.omar' })
  await world.put('evan', 'app.bsky.labeler.service', 'self', { policies: { labelValues: ['loud'] } }, { as: 'labeler.evan' })
  await like(world, 'alice', 'labeler.omar')
  await like(world, 'hana', 'labeler.omar')
  await world.put('omar', 'app.bsky.actor.profile', 'self', {
    displayName: 'Omar',
    description: 'labels things',
    avatar: await world.upload('omar', png(5, 5, [0, 0, 90]), 'image/png'),
  })
}

async function verifications(world) {
  const verify = (by, subject, displayName, handle = world.accounts[subject].handle) =>
    world.create(by, 'app.bsky.graph.verification', { subject: world.did(subject), handle, displayName }, { as: `verification.${by}.${subject}` })
  await verify('nora', 'alice', 'Alice Ålund')
  await verify('nora', 'dan', 'Dan') // the name has changed since
  await verify('nora', 'lena', 'Lena') // the handle will change
  await verify('nora', 'hana', '花子')
  await verify('nora', 'dora', 'Dora')
  await world.delete('verification.nora.dora')
  await verify('evan', 'alice', 'Alice Ålund') // whom nobody trusts
  await world.network.call('reference.trustVerifiers', { dids: VERIFIERS.map((name) => world.did(name)) })
}

async function quotesOfThem(world) {
  const things = ['feed.rivers', 'list.curate', 'list.mod', 'pack.rivers', 'labeler.omar', 'list.doomed', 'pack.evan', 'list.evan']
  for (const name of things)
    await post(world, 'faye', `quote.${name}`, `look: ${name}`, { embed: { $type: 'app.bsky.embed.record', record: world.ref(name) } })
}
