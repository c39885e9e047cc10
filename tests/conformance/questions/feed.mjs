// Feeds and posts: timelines and author feeds by pages, every post there is, who liked, reposted and quoted it.
import { CAST } from '../seed/cast.mjs'
import { EVERYBODY, FEW, SIGNED_IN, chunks } from './table.mjs'

const URIS_MAX = 25

export function feed(t) {
  timeline(t)
  authors(t)
  single(t)
  reactions(t)
  generators(t)
  t.paged('app.bsky.feed.getListFeed', EVERYBODY, { list: t.uri('list.curate') }, [2, 100])
  t.paged('app.bsky.feed.getListFeed', FEW, ['list.mod', 'list.empty', 'list.bob', 'list.doomed'].map((name) => ({ list: t.uri(name) })), [10])
  search(t)
}

function timeline(t) {
  const method = 'app.bsky.feed.getTimeline'
  t.paged(method, SIGNED_IN, {}, [2, 10, 100])
  t.paged(method, ['ordinary'], {}, [1])
  t.each(method, SIGNED_IN, {})
  t.each(method, ['anonymous'], [{}, { limit: 10 }])
  t.each(method, ['ordinary'], [{ limit: 0 }, { limit: 101 }, { limit: 'ten' }, { cursor: 'not a cursor' }, { algorithm: 'reverse-chronological' }])
}

function authors(t) {
  const method = 'app.bsky.feed.getAuthorFeed'
  t.each(method, EVERYBODY, CAST.map((name) => ({ actor: t.did(name) })))
  const writers = ['alice', 'bob', 'carol', 'dan', 'evan', 'hana', 'faye']
  const filters = ['posts_with_replies', 'posts_no_replies', 'posts_with_media', 'posts_and_author_threads', 'posts_with_video']
  for (const filter of filters) t.each(method, FEW, writers.map((name) => ({ actor: t.did(name), filter })))
  t.each(method, FEW, writers.map((name) => ({ actor: t.did(name), filter: 'posts_and_author_threads', includePins: true })))
  t.paged(method, ['anonymous', 'ordinary', 'muter'], ['alice', 'bob', 'carol'].map((name) => ({ actor: t.did(name) })), [2, 10])
  t.paged(method, ['ordinary'], [{ actor: 'bob.test', includePins: true }], [1, 10])
  t.each(method, ['anonymous'], [{ actor: 'nobody.test' }, { actor: t.did('alice'), filter: 'nonsense' }, { actor: t.did('alice'), limit: 1000 }])
  const likes = 'app.bsky.feed.getActorLikes'
  t.paged(likes, SIGNED_IN, [{ actor: 'alice.test' }], [3, 100])
  for (const viewer of SIGNED_IN) t.each(likes, [viewer], { actor: t.did({ ordinary: 'alice', blocker: 'dora', blocked: 'evan', muter: 'faye', newcomer: 'gus' }[viewer]) })
  t.each(likes, ['anonymous'], { actor: t.did('alice') })
}

function single(t) {
  const uris = t.posts().map((name) => t.uri(name))
  for (const some of chunks(uris, URIS_MAX)) t.each('app.bsky.feed.getPosts', EVERYBODY, { uris: some })
  t.each('app.bsky.feed.getPosts', FEW, [
    { uris: [t.uri('bob.doomed'), t.uri('fork')] },
    { uris: [`at://alice.test/app.bsky.feed.post/${t.uri('alice.first').split('/').at(-1)}`] },
    { uris: [t.uri('fork'), t.uri('fork')] },
    { uris: ['not a uri'] },
    { uris: [t.uri('profile.alice')] },
    { uris: [...uris.slice(0, URIS_MAX), uris[0]] },
  ])
}

function reactions(t) {
  const subjects = {
    getLikes: ['fork', 'bob.images', 'fork.alice', 'quote.by.evan', 'chain', 'stream.7', 'carol.link', 'rosa.post', 'solo', 'bob.doomed', 'feed.rivers', 'leaving'],
    getRepostedBy: ['bob.images', 'carol.link', 'fork.alice', 'bob.emoji', 'rosa.post', 'quote.by.evan', 'solo', 'stream.7', 'leaving'],
    getQuotes: ['bob.images', 'quote.alice', 'quote.by.evan', 'carol.link', 'rosa.post', 'unquotable', 'detaching', 'feed.rivers', 'bob.doomed'],
  }
  for (const [name, others] of Object.entries(subjects)) {
    const method = `app.bsky.feed.${name}`
    t.each(method, EVERYBODY, ['alice.first', 'alice.facets'].map((name) => ({ uri: t.uri(name) })))
    t.each(method, FEW, others.map((name) => ({ uri: t.uri(name) })))
    t.paged(method, ['anonymous', 'ordinary', 'blocker'], { uri: t.uri(name === 'getRepostedBy' ? 'alice.facets' : 'alice.first') }, [1, 5, 100])
    t.each(method, ['anonymous'], [
      { uri: t.uri('alice.first'), cid: t.world.ref('alice.first').cid },
      { uri: t.uri('alice.first'), cid: t.world.ref('fork').cid },
      { uri: `at://${t.did('bob')}/app.bsky.feed.post/3aaaaaaaaaa4a` },
      { uri: 'nonsense' },
    ])
  }
}

function generators(t) {
  const feeds = t.names('app.bsky.feed.generator')
  t.each('app.bsky.feed.getFeedGenerator', FEW, feeds.map((name) => ({ feed: t.uri(name) })))
  t.each('app.bsky.feed.getFeedGenerator', ['blocker', 'muter'], [{ feed: t.uri('feed.rivers') }, { feed: t.uri('feed.mine') }])
  t.each('app.bsky.feed.getFeedGenerators', EVERYBODY, { feeds: feeds.map((name) => t.uri(name)) })
  t.each('app.bsky.feed.getActorFeeds', EVERYBODY, ['pia', 'evan', 'bob', 'alice'].map((name) => ({ actor: t.did(name) })))
  t.paged('app.bsky.feed.getActorFeeds', FEW, { actor: 'pia.test' }, [2])
  t.each('app.bsky.feed.getFeed', EVERYBODY, { feed: t.uri('feed.rivers') })
  t.paged('app.bsky.feed.getFeed', EVERYBODY, { feed: t.uri('feed.rivers') }, [3])
  t.each('app.bsky.feed.getFeed', FEW, ['feed.empty', 'feed.broken', 'feed.refuses', 'feed.unserved', 'feed.homeless', 'feed.mine'].map((name) => ({ feed: t.uri(name) })))
  t.each('app.bsky.feed.getFeed', ['anonymous'], [{ feed: `at://${t.did('pia')}/app.bsky.feed.generator/none` }, { feed: 'nonsense' }])
}

// Whole words in lower case, newest first: there the reference's stand-in and a search by words agree.
function search(t) {
  for (const q of ['riverbank', 'watermill', 'quoting the', 'sluices', 'nobodywrotethis', 'from:bob.test riverbank'])
    t.each('app.bsky.feed.searchPosts', FEW, { q, sort: 'latest' })
  t.paged('app.bsky.feed.searchPosts', ['ordinary', 'muter'], { q: 'riverbank', sort: 'latest' }, [5])
}
