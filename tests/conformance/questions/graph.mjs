// The graph: follows from both ends, relationships, lists, blocks, mutes, starter packs.
import { CAST } from '../seed/cast.mjs'
import { EVERYBODY, FEW, SIGNED_IN } from './table.mjs'

export function graph(t) {
  follows(t)
  lists(t)
  own(t)
  packs(t)
}

function follows(t) {
  for (const method of ['app.bsky.graph.getFollows', 'app.bsky.graph.getFollowers']) {
    t.each(method, EVERYBODY, ['alice', 'bob', 'dora', 'evan', 'gus'].map((name) => ({ actor: t.did(name) })))
    t.each(method, FEW, ['hana', 'ivan', 'kurt', 'judy', 'rosa', 'quin'].map((name) => ({ actor: t.did(name) })))
    t.paged(method, ['anonymous', 'ordinary', 'blocker'], { actor: 'alice.test' }, [1, 2, 10, 100])
    t.each(method, ['anonymous'], [{ actor: 'nobody.test' }, { actor: t.did('alice'), limit: 0 }, { actor: t.did('alice'), cursor: 'nonsense' }])
  }
  t.each('app.bsky.graph.getKnownFollowers', SIGNED_IN, ['alice', 'bob', 'carol', 'hana', 'evan', 'dora'].map((name) => ({ actor: t.did(name) })))
  t.paged('app.bsky.graph.getKnownFollowers', ['ordinary'], { actor: 'faye.test' }, [100])
  t.each('app.bsky.graph.getKnownFollowers', ['anonymous'], { actor: t.did('alice') })
  const others = CAST.map((name) => t.did(name))
  t.each('app.bsky.graph.getRelationships', FEW, ['alice', 'dora', 'evan', 'bob', 'carol', 'dan', 'faye'].map((name) => ({ actor: t.did(name), others })))
  t.each('app.bsky.graph.getRelationships', ['anonymous'], [
    { actor: 'alice.test' },
    { actor: 'alice.test', others: ['bob.test', 'nobody.test', 'did:plc:nobodyhasthisidentifierx'] },
    { actor: 'nobody.test', others: [t.did('alice')] },
  ])
}

function lists(t) {
  const all = t.names('app.bsky.graph.list')
  t.each('app.bsky.graph.getList', FEW, all.map((name) => ({ list: t.uri(name) })))
  t.each('app.bsky.graph.getList', ['blocker', 'muter', 'newcomer'], ['list.curate', 'list.mod', 'list.mute', 'list.evan'].map((name) => ({ list: t.uri(name) })))
  t.paged('app.bsky.graph.getList', FEW, { list: t.uri('list.curate') }, [2])
  t.each('app.bsky.graph.getList', ['anonymous'], [{ list: `at://${t.did('bob')}/app.bsky.graph.list/none` }, { list: 'nonsense' }])
  t.each('app.bsky.graph.getLists', EVERYBODY, ['alice', 'dan', 'bob', 'evan', 'pia'].map((name) => ({ actor: t.did(name) })))
  t.each('app.bsky.graph.getLists', ['ordinary'], [
    { actor: t.did('dan'), purposes: 'modlist' },
    { actor: t.did('dan'), purposes: ['curatelist'] },
    { actor: t.did('pia'), purposes: ['referencelist'] },
  ])
  t.paged('app.bsky.graph.getLists', ['anonymous', 'ordinary'], { actor: 'dan.test' }, [1])
  t.each('app.bsky.graph.getListsWithMembership', SIGNED_IN, ['alice', 'bob', 'hana'].map((name) => ({ actor: t.did(name) })))
  t.each('app.bsky.graph.getListsWithMembership', ['anonymous'], { actor: t.did('alice') })
}

function own(t) {
  for (const name of ['getBlocks', 'getMutes', 'getListBlocks', 'getListMutes']) {
    t.each(`app.bsky.graph.${name}`, SIGNED_IN, {})
    t.paged(`app.bsky.graph.${name}`, ['blocker', 'muter'], {}, [1])
    t.each(`app.bsky.graph.${name}`, ['anonymous'], {})
  }
}

function packs(t) {
  const all = t.names('app.bsky.graph.starterpack')
  t.each('app.bsky.graph.getStarterPack', EVERYBODY, all.map((name) => ({ starterPack: t.uri(name) })))
  t.each('app.bsky.graph.getStarterPack', ['anonymous'], [{ starterPack: `at://${t.did('pia')}/app.bsky.graph.starterpack/none` }, { starterPack: 'nonsense' }])
  t.each('app.bsky.graph.getStarterPacks', EVERYBODY, { uris: all.map((name) => t.uri(name)) })
  t.each('app.bsky.graph.getActorStarterPacks', EVERYBODY, ['pia', 'alice', 'evan', 'gus'].map((name) => ({ actor: t.did(name) })))
  t.paged('app.bsky.graph.getActorStarterPacks', FEW, { actor: 'pia.test' }, [1])
  t.each('app.bsky.graph.getStarterPacksWithMembership', SIGNED_IN, ['alice', 'bob'].map((name) => ({ actor: t.did(name) })))
  for (const q of ['beginners', 'nobodynamedthis']) {
    t.each('app.bsky.graph.searchStarterPacks', FEW, { q })
    t.each('app.bsky.graph.searchStarterPacksV2', FEW, { q })
  }
}
