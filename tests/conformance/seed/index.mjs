// The seeded network: the same records in the same order in every run (keys and DIDs are the PDS's own).
import { accounts, declarations, profiles } from './accounts.mjs'
import { endings } from './endings.mjs'
import { gates } from './gates.mjs'
import { blocks, follows } from './graph.mjs'
import { lists } from './lists.mjs'
import { own, seen } from './own.mjs'
import { posts } from './posts.mjs'
import { reactions } from './reactions.mjs'
import { services } from './services.mjs'
import { threads } from './threads.mjs'

const PARTS = { profiles, follows, posts, threads, reactions, lists, gates, blocks, services, declarations, own, endings, seen }

/** Accounts alone; the rest needs somebody who reads along. */
export { accounts }

export async function seed(world, say) {
  for (const [name, part] of Object.entries(PARTS)) {
    const started = performance.now()
    await part(world)
    say(`  ${name}: ${Math.round(performance.now() - started)} ms`)
  }
}
