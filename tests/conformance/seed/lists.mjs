// Lists for reading, for moderation and for starter packs; who is on them; blocks by list.
import { png } from './images.mjs'

const PURPOSE = 'app.bsky.graph.defs#'

export async function addTo(world, by, list, subjects) {
  for (const subject of subjects)
    await world.create(
      by,
      'app.bsky.graph.listitem',
      { subject: world.did(subject), list: world.uri(list) },
      { as: `item.${list}.${subject}` },
    )
}

export async function lists(world) {
  const list = (by, as, purpose, record) => world.create(by, 'app.bsky.graph.list', { purpose: PURPOSE + purpose, ...record }, { as })
  const avatar = await world.upload('alice', png(8, 8, [200, 100, 0]), 'image/png')
  await list('alice', 'list.curate', 'curatelist', { name: 'river people', description: 'who writes about rivers', avatar })
  await addTo(world, 'alice', 'list.curate', ['bob', 'carol', 'hana', 'gus', 'evan', 'ivan', 'alice'])
  await list('dan', 'list.mod', 'modlist', { name: 'noisy', description: 'too many posts' })
  await addTo(world, 'dan', 'list.mod', ['omar', 'sven', 'quin'])
  await list('dan', 'list.mute', 'modlist', { name: 'dull' })
  await addTo(world, 'dan', 'list.mute', ['hana', 'dan'])
  await list('dan', 'list.empty', 'curatelist', { name: 'nobody yet', labels: { $type: 'com.atproto.label.defs#selfLabels', values: [{ val: 'spam' }] } })
  await list('bob', 'list.bob', 'curatelist', { name: 'friends of bob' })
  await addTo(world, 'bob', 'list.bob', ['alice', 'faye', 'dora'])
  await list('evan', 'list.evan', 'modlist', { name: 'who blocks me' })
  await addTo(world, 'evan', 'list.evan', ['dora', 'bob', 'alice'])
  await list('bob', 'list.doomed', 'curatelist', { name: 'will be deleted' })
  await addTo(world, 'bob', 'list.doomed', ['alice'])

  await addTo(world, 'alice', 'list.curate', ['dora'])
  await world.delete('item.list.curate.dora')
  const block = (by, name) => world.create(by, 'app.bsky.graph.listblock', { subject: world.uri(name) }, { as: `listblock.${by}.${name}` })
  await block('dora', 'list.mod')
  await block('carol', 'list.evan')
  await block('evan', 'list.mute')
  await world.delete('listblock.evan.list.mute')
}
