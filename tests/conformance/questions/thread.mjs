// Threads, in both forms: from the root, from the middle, from the end, of every kind that was seeded.
import { EVERYBODY, FEW } from './table.mjs'

const BROKEN = ['gap', 'gap.1', 'gap.2', 'gap.3', 'rootless', 'rootless.1', 'orphan', 'misplaced', 'misplaced.1', 'cycle.1', 'cycle.2']
const WHOLE = ['fork', 'fork.alice', 'fork.evan', 'leaving', 'leaving.judy.quin', 'leaving.ivan.quin', 'chain', 'chain.6', 'chain.12', 'solo', 'solo.4', 'hiding', 'hiding.bob', 'foreign', 'rosa.post', 'alice.first', 'quote.quote.quote']
const GATES = ['nobody', 'everybody', 'mentioned', 'following', 'followers', 'list', 'several', 'unknown'].map((gate) => `gate.${gate}`)
const OTHERS = ['unquotable.after', 'detaching.detached', 'dan.unknown', 'omar.labelled', 'time.future', 'quote.list.curate', 'gate.nobody.bob.carol', 'hiding.evan']

export function thread(t) {
  first(t)
  second(t)
}

function first(t) {
  const method = 'app.bsky.feed.getPostThread'
  t.each(method, EVERYBODY, [...WHOLE, ...GATES].map((name) => ({ uri: t.uri(name) })))
  t.each(method, FEW, [...BROKEN, ...OTHERS].map((name) => ({ uri: t.uri(name) })))
  for (const params of [{ depth: 0 }, { depth: 1 }, { depth: 2, parentHeight: 0 }, { parentHeight: 1 }, { depth: 100, parentHeight: 3 }])
    t.each(method, FEW, ['chain.4', 'fork.alice'].map((name) => ({ uri: t.uri(name), ...params })))
  t.each(method, ['anonymous'], [
    { uri: `at://${t.did('bob')}/app.bsky.feed.post/3aaaaaaaaaa2a` },
    { uri: `at://bob.test/app.bsky.feed.post/${t.uri('solo').split('/').at(-1)}` },
    { uri: 'nonsense' },
    { uri: t.uri('fork'), depth: -1 },
    { uri: t.uri('profile.alice') },
  ])
}

function second(t) {
  const method = 'app.bsky.unspecced.getPostThreadV2'
  t.each(method, EVERYBODY, [...WHOLE, ...GATES].map((name) => ({ anchor: t.uri(name) })))
  t.each(method, FEW, [...BROKEN, ...OTHERS].map((name) => ({ anchor: t.uri(name) })))
  for (const sort of ['newest', 'oldest', 'top']) t.each(method, FEW, ['fork', 'chain'].map((name) => ({ anchor: t.uri(name), sort })))
  for (const params of [{ above: false }, { below: 0 }, { below: 1 }, { below: 20, branchingFactor: 1 }, { below: 3, branchingFactor: 2 }, { below: 20, branchingFactor: 100 }])
    t.each(method, FEW, ['chain.3', 'fork'].map((name) => ({ anchor: t.uri(name), ...params })))
  t.each('app.bsky.unspecced.getPostThreadOtherV2', EVERYBODY, ['hiding', 'fork', 'gate.nobody', 'chain'].map((name) => ({ anchor: t.uri(name) })))
  t.each('app.bsky.unspecced.getPostThreadOtherV2', ['anonymous'], { anchor: 'nonsense' })
}
