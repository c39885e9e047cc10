// Who may reply, which replies are hidden, and who may quote. A gate is written before the replies it
// judges, and has the key of its post.
import { post, facet } from './posts.mjs'
import { reply } from './threads.mjs'

export function threadgate(world, by, name, gate) {
  const uri = world.uri(name)
  return world.put(by, 'app.bsky.feed.threadgate', uri.split('/').at(-1), { post: uri, ...gate }, { as: `threadgate.${name}` })
}

function postgate(world, by, name, gate) {
  const uri = world.uri(name)
  return world.put(by, 'app.bsky.feed.postgate', uri.split('/').at(-1), { post: uri, ...gate }, { as: `postgate.${name}` })
}

const rule = (kind, more = {}) => ({ $type: `app.bsky.feed.threadgate#${kind}`, ...more })

export async function gates(world) {
  const text = 'only those I mention, like @faye.test'
  const mentions = [facet(text, '@faye.test', { $type: 'app.bsky.richtext.facet#mention', did: world.did('faye') })]
  const gated = {
    'gate.nobody': { text: 'nobody may reply', allow: [] },
    'gate.everybody': { text: 'the gate is open' },
    'gate.mentioned': { text, facets: mentions, allow: [rule('mentionRule')] },
    'gate.following': { text: 'only whom I follow', allow: [rule('followingRule')] },
    'gate.followers': { text: 'only who follows me', allow: [rule('followerRule')] },
    'gate.list': { text: 'only who is on my list', allow: [rule('listRule', { list: world.uri('list.curate') })] },
    'gate.several': { text: 'some of these', allow: [rule('mentionRule'), rule('listRule', { list: world.uri('list.curate') })] },
    'gate.unknown': { text: 'a rule nobody knows', allow: [{ $type: 'com.example.rule' }] },
  }
  for (const [as, { text, facets, allow }] of Object.entries(gated)) {
    await post(world, 'alice', as, text, facets ? { facets } : {})
    await threadgate(world, 'alice', as, allow ? { allow } : {})
    for (const by of ['bob', 'faye', 'gus', 'nora']) await reply(world, by, `${as}.${by}`, as, as, `${by} replies to ${as}`)
    await reply(world, 'alice', `${as}.alice`, as, as, 'alice may always')
  }
  await reply(world, 'carol', 'gate.nobody.bob.carol', 'gate.nobody', 'gate.nobody.bob', 'below a reply that was not allowed')
  await hidden(world)
  await quotes(world)
}

async function hidden(world) {
  await post(world, 'carol', 'hiding', 'some replies will be hidden')
  for (const by of ['alice', 'bob', 'evan', 'faye']) await reply(world, by, `hiding.${by}`, 'hiding', 'hiding', `${by} says something`)
  await reply(world, 'alice', 'hiding.bob.alice', 'hiding', 'hiding.bob', 'below a hidden one')
  await threadgate(world, 'carol', 'hiding', { hiddenReplies: [world.uri('hiding.bob'), world.uri('hiding.evan')] })
  await reply(world, 'dan', 'hiding.bob.dan', 'hiding', 'hiding.bob', 'later, below a hidden one')
  // Somebody else's gate counts for nothing.
  await post(world, 'hana', 'foreign', 'my replies are mine')
  await world.put('evan', 'app.bsky.feed.threadgate', world.uri('foreign').split('/').at(-1), { post: world.uri('foreign'), allow: [] })
  await reply(world, 'bob', 'foreign.bob', 'foreign', 'foreign', 'which is why I reply')
}

async function quotes(world) {
  const quote = (by, as, name) =>
    post(world, by, as, `${by} quotes`, { embed: { $type: 'app.bsky.embed.record', record: world.ref(name) } })
  await post(world, 'carol', 'unquotable', 'please do not quote')
  await quote('dan', 'unquotable.before', 'unquotable')
  await postgate(world, 'carol', 'unquotable', { embeddingRules: [{ $type: 'app.bsky.feed.postgate#disableRule' }] })
  await quote('bob', 'unquotable.after', 'unquotable')
  await quote('carol', 'unquotable.own', 'unquotable')

  await post(world, 'carol', 'detaching', 'quote me nicely')
  await quote('alice', 'detaching.kept', 'detaching')
  await quote('bob', 'detaching.detached', 'detaching')
  await postgate(world, 'carol', 'detaching', { detachedEmbeddingUris: [world.uri('detaching.detached')] })
}
