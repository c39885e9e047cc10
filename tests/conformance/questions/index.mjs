// Every question, in a fixed order.
import { actor } from './actor.mjs'
import { feed } from './feed.mjs'
import { graph } from './graph.mjs'
import { own } from './own.mjs'
import { service } from './service.mjs'
import { Table } from './table.mjs'
import { thread } from './thread.mjs'

/** @param only a method's NSID: its questions alone */
export function questions(world, only) {
  const table = new Table(world)
  for (const part of [actor, feed, thread, graph, own, service]) part(table)
  return table.questions.filter(({ method }) => !only || method === only)
}
