// A seeded network written down, so that a later run can ask it again without seeding it.
import fs from 'node:fs'

export function write(file, { network, world, since }) {
  const accounts = Object.fromEntries(
    Object.entries(world.accounts).map(([name, { agent, ...account }]) => [name, { ...account, pds: network.pds }]),
  )
  const { refs, owned, seq } = world
  fs.writeFileSync(file, JSON.stringify({ network, since, world: { accounts, refs, owned, seq } }, null, 1))
}

export function read(file) {
  const state = JSON.parse(fs.readFileSync(file))
  const { accounts, refs } = state.world
  const found = (names, name) => {
    if (!names[name]) throw new Error(`${file} knows no "${name}"`)
    return names[name]
  }
  const world = {
    ...state.world,
    did: (name) => found(accounts, name).did,
    ref: (name) => found(refs, name),
    uri: (name) => found(refs, name).uri,
  }
  return { ...state, world }
}
