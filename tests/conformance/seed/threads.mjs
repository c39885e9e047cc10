// Replies: forks, a long chain, authors who go on alone, and threads that are not in order: a parent
// that is deleted, that never was, that belongs elsewhere, and two posts that reply to each other.
import { post } from './posts.mjs'

export function reply(world, by, as, root, parent, text, more = {}) {
  return post(world, by, as, text, { reply: { root: world.ref(root), parent: world.ref(parent) }, ...more })
}

export async function threads(world) {
  await forked(world)
  await chain(world)
  await alone(world)
  await leaving(world)
  await broken(world)
}

async function forked(world) {
  await post(world, 'carol', 'fork', 'a question for all of you')
  const to = (by, as, parent, text) => reply(world, by, as, 'fork', parent, text)
  await to('alice', 'fork.alice', 'fork', 'alice answers')
  await to('bob', 'fork.bob', 'fork', 'bob answers')
  await to('evan', 'fork.evan', 'fork', 'evan answers')
  await to('dora', 'fork.dora', 'fork', 'dora answers somebody she will block')
  await to('carol', 'fork.alice.carol', 'fork.alice', 'carol thanks alice')
  await to('bob', 'fork.alice.bob', 'fork.alice', 'bob agrees with alice')
  await to('evan', 'fork.alice.evan', 'fork.alice', 'evan agrees too')
  await to('alice', 'fork.bob.alice', 'fork.bob', 'alice doubts bob')
  await to('bob', 'fork.bob.alice.bob', 'fork.bob.alice', 'bob insists')
  await to('carol', 'fork.evan.carol', 'fork.evan', 'carol thanks evan')
  await to('faye', 'fork.evan.faye', 'fork.evan', 'faye does not')
  await to('carol', 'fork.carol', 'fork', 'carol adds something')
  await to('hana', 'fork.hana', 'fork', '私もそう思います')
  await to('gus', 'fork.gus', 'fork', '📌')
}

async function chain(world) {
  await post(world, 'alice', 'chain', 'a long conversation')
  const speakers = ['bob', 'alice', 'carol', 'alice', 'faye', 'bob', 'alice', 'dan', 'hana', 'alice', 'bob', 'carol']
  let parent = 'chain'
  for (const [index, by] of speakers.entries()) {
    const as = `chain.${index + 1}`
    await reply(world, by, as, 'chain', parent, `step ${index + 1}`)
    parent = as
  }
  await reply(world, 'evan', 'chain.6.evan', 'chain', 'chain.6', 'a branch by the blocked')
  await reply(world, 'dora', 'chain.3.dora', 'chain', 'chain.3', 'the blocker answers the one she blocks')
}

async function alone(world) {
  await post(world, 'bob', 'solo', 'a story in five parts')
  let parent = 'solo'
  for (let part = 2; part <= 5; part++) {
    await reply(world, 'bob', `solo.${part}`, 'solo', parent, `part ${part}`)
    parent = `solo.${part}`
  }
  await reply(world, 'alice', 'solo.3.alice', 'solo', 'solo.3', 'what a story')
  await reply(world, 'bob', 'solo.3.alice.bob', 'solo', 'solo.3.alice', 'thanks')
}

// The reference goes on counting what accounts did that are deleted; Millrace does not. So that this is
// seen in few answers, those who leave are all in this thread, and nobody who asks follows who began it.
async function leaving(world) {
  await post(world, 'quin', 'leaving', 'goodbye to all who leave')
  for (const by of ['judy', 'ivan', 'kurt']) await reply(world, by, `leaving.${by}`, 'leaving', 'leaving', `${by} says goodbye`)
  await reply(world, 'quin', 'leaving.judy.quin', 'leaving', 'leaving.judy', 'quin answers judy')
  await reply(world, 'quin', 'leaving.ivan.quin', 'leaving', 'leaving.ivan', 'quin answers ivan')
}

async function broken(world) {
  await post(world, 'dan', 'gap', 'here something will be missing')
  await reply(world, 'faye', 'gap.1', 'gap', 'gap', 'this will be deleted')
  await reply(world, 'alice', 'gap.2', 'gap', 'gap.1', 'a reply to what is deleted')
  await reply(world, 'bob', 'gap.3', 'gap', 'gap.2', 'and one more')

  await post(world, 'dan', 'rootless', 'this root will be deleted')
  await reply(world, 'carol', 'rootless.1', 'rootless', 'rootless', 'its reply stays')

  const never = { uri: `at://${world.did('dan')}/app.bsky.feed.post/3aaaaaaaaaa3a`, cid: world.ref('gap').cid }
  await post(world, 'alice', 'orphan', 'a reply to what never was', { reply: { root: never, parent: never } })

  // The parent belongs to another thread than the root says.
  await reply(world, 'bob', 'misplaced', 'gap', 'chain.2', 'the root is wrong')
  await reply(world, 'carol', 'misplaced.1', 'gap', 'misplaced', 'and so it is here')

  // Two posts that say that they reply to each other; the keys are known before the posts.
  const cid = world.ref('gap').cid
  const at = (by, rkey) => ({ uri: `at://${world.did(by)}/app.bsky.feed.post/${rkey}`, cid })
  const [one, two] = [at('faye', '3lqcyclecyc22'), at('dan', '3lqcyclecyc23')]
  const cyclic = (by, as, rkey, parent) =>
    world.create(by, 'app.bsky.feed.post', { text: `${by} turns in circles`, reply: { root: one, parent } }, { as, rkey })
  await cyclic('faye', 'cycle.1', '3lqcyclecyc22', two)
  await cyclic('dan', 'cycle.2', '3lqcyclecyc23', one)
}
