// Records, handles, labels and services: what has no viewer, and what the operator's settings say.
import { CAST } from '../seed/cast.mjs'
import { EVERYBODY, FEW } from './table.mjs'

export function service(t) {
  records(t)
  t.each('com.atproto.identity.resolveHandle', ['anonymous'], ['alice.test', 'lena.test', 'lena-moved.test', 'judy.test', 'nobody.test', 'Bob.TEST', 'not a handle'].map((handle) => ({ handle })))
  const labelers = [t.did('omar'), t.did('evan'), t.did('alice')]
  t.each('app.bsky.labeler.getServices', EVERYBODY, [{ dids: labelers }, { dids: labelers, detailed: true }])
  const sources = [t.did('omar'), t.did('alice')]
  const subjects = [[t.did('rosa')], [t.did('alice'), t.uri('alice.first')], CAST.map((name) => t.did(name))]
  t.each('com.atproto.label.queryLabels', ['anonymous'], subjects.map((uriPatterns) => ({ uriPatterns, sources })))
  t.each('com.atproto.label.queryLabels', ['anonymous'], [{ uriPatterns: [t.did('rosa')] }, { uriPatterns: ['*'], sources }, { uriPatterns: ['at://nobody*'] }])
  t.each('com.atproto.temp.fetchLabels', ['anonymous'], {})
  t.each('app.bsky.unspecced.getConfig', FEW, {})
  t.each('app.bsky.unspecced.getAgeAssuranceState', ['ordinary'], {})
  t.each('app.bsky.ageassurance.getState', ['ordinary'], { countryCode: 'NO' })
  t.each('app.bsky.embed.getEmbedExternalView', FEW, { url: 'https://news.example/', uris: [t.uri('alice.first')] })
  suggestions(t)
}

function records(t) {
  const method = 'com.atproto.repo.getRecord'
  const names = ['alice.first', 'profile.alice', 'like.bob.alice.first', 'repost.bob.alice.facets', 'follow.alice.bob', 'block.dora.evan', 'list.curate', 'item.list.curate.bob', 'listblock.dora.list.mod', 'feed.rivers', 'pack.rivers', 'labeler.omar', 'threadgate.hiding', 'postgate.unquotable', 'verification.nora.alice', 'dan.unknown', 'bob.doomed']
  for (const name of names) {
    const [, , repo, collection, rkey] = t.uri(name).split('/')
    t.each(method, ['anonymous'], { repo, collection, rkey })
  }
  const profile = { collection: 'app.bsky.actor.profile', rkey: 'self' }
  t.each(method, ['anonymous'], CAST.map((name) => ({ repo: t.did(name), ...profile })))
  t.each(method, ['anonymous'], [{ repo: 'alice.test', ...profile }, { repo: 'alice.test', ...profile, cid: t.world.ref('fork').cid }, { repo: 'nobody.test', ...profile }])
}

// Most of these need services that the reference has beside it (../unanswerable.json); asked all the same,
// so that the list stays true.
function suggestions(t) {
  const unspecced = ['getSuggestedFeeds', 'getSuggestedUsers', 'getSuggestedUsersForDiscover', 'getSuggestedUsersForExplore', 'getSuggestedUsersForSeeMore', 'getSuggestedOnboardingUsers', 'getSuggestedStarterPacks', 'getOnboardingSuggestedStarterPacks', 'getTaggedSuggestions', 'getTrendingTopics', 'getTrends']
  for (const name of unspecced) t.each(`app.bsky.unspecced.${name}`, ['ordinary'], {})
  // Without words the reference answers from a table that nothing fills.
  t.each('app.bsky.unspecced.getPopularFeedGenerators', FEW, ['Rivers', 'rivers', 'no such feed'].map((query) => ({ query })))
  t.each('app.bsky.actor.getSuggestions', ['ordinary'], {})
  t.each('app.bsky.feed.getSuggestedFeeds', ['ordinary'], {})
  t.each('app.bsky.graph.getSuggestedFollowsByActor', ['ordinary'], { actor: t.did('bob') })
  t.each('app.bsky.feed.searchPostsV2', ['ordinary'], { query: 'riverbank' })
  for (const name of ['getMatches', 'getSyncStatus']) t.each(`app.bsky.contact.${name}`, ['ordinary'], {})
  t.each('app.bsky.feed.describeFeedGenerator', ['anonymous'], {})
  t.each('app.bsky.feed.getFeedSkeleton', ['anonymous'], { feed: t.uri('feed.rivers') })
}
