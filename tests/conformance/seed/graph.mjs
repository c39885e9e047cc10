// Who follows and who blocks whom. Blocks come after the follows, as in life: a follow stays in its
// repository when a block makes it count for nothing. Those who leave follow hardly anybody (endings.mjs).

const FOLLOWS = {
  alice: ['bob', 'carol', 'dan', 'evan', 'faye', 'hana', 'ivan', 'judy', 'kurt', 'lena', 'milo', 'omar', 'rosa', 'sven'],
  bob: ['alice', 'carol', 'evan', 'faye', 'hana', 'lena', 'pia', 'quin'],
  carol: ['alice', 'bob', 'dan', 'dora', 'milo', 'rosa'],
  dan: ['alice', 'bob', 'carol', 'faye', 'ivan', 'judy', 'pia'],
  dora: ['alice', 'bob', 'evan', 'faye', 'hana', 'pia', 'kurt'],
  evan: ['alice', 'bob', 'carol', 'dora', 'nora'],
  faye: ['alice', 'bob', 'carol', 'dan', 'evan', 'hana', 'nora', 'pia'],
  gus: ['alice', 'hana'],
  hana: ['alice', 'bob', 'gus', 'faye'],
  ivan: ['sven', 'omar'],
  judy: ['kurt'],
  kurt: ['sven', 'omar'],
  lena: ['alice', 'faye', 'carol'],
  milo: ['alice', 'bob', 'evan'],
  nora: ['alice', 'hana'],
  omar: ['alice', 'dan', 'dora'],
  pia: ['alice', 'bob', 'gus', 'evan'],
  quin: ['alice', 'carol'],
  rosa: ['alice', 'dora', 'faye'],
  sven: ['alice', 'bob'],
}

const BLOCKS = [
  ['dora', 'carol'],
  ['dora', 'evan'],
  ['bob', 'evan'],
  ['carol', 'pia'],
  ['dan', 'bob'],
]

export async function follows(world) {
  for (const [by, subjects] of Object.entries(FOLLOWS))
    for (const subject of subjects)
      await world.create(by, 'app.bsky.graph.follow', { subject: world.did(subject) }, { as: `follow.${by}.${subject}` })
  // Ended again, and made twice: neither may be counted wrongly.
  await world.create('gus', 'app.bsky.graph.follow', { subject: world.did('bob') }, { as: 'follow.gus.bob' })
  await world.delete('follow.gus.bob')
  await world.create('hana', 'app.bsky.graph.follow', { subject: world.did('alice') })
  await world.create('pia', 'app.bsky.graph.follow', { subject: 'did:plc:nobodyhasthisidentifierx' })
}

export async function blocks(world) {
  for (const [by, subject] of BLOCKS)
    await world.create(by, 'app.bsky.graph.block', { subject: world.did(subject) }, { as: `block.${by}.${subject}` })
  await world.create('faye', 'app.bsky.graph.block', { subject: world.did('quin') }, { as: 'block.faye.quin' })
  await world.delete('block.faye.quin')
}
