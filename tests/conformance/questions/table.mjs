// How questions are put together: a method, the one who asks, the parameters, and whether pages are
// followed to the end. A question has a name that is the same in every run: names of accounts and records
// stand in it instead of DIDs and keys.
import { VIEWERS } from '../seed/cast.mjs'

export const EVERYBODY = Object.keys(VIEWERS)
export const SIGNED_IN = EVERYBODY.filter((viewer) => VIEWERS[viewer])
export const FEW = ['anonymous', 'ordinary', 'blocked']

const POST = 'app.bsky.feed.post'

export class Table {
  constructor(world) {
    this.world = world
    this.questions = []
  }

  /** One question for each viewer and each of `paramsList`. */
  each(method, viewers, paramsList, more = {}) {
    for (const params of [paramsList].flat()) for (const viewer of viewers) this.questions.push({ method, viewer, params, ...more })
  }

  /** The same, with `cursor` followed until there is none, by pages of each size. */
  paged(method, viewers, paramsList, limits) {
    for (const params of [paramsList].flat())
      for (const limit of limits) this.each(method, viewers, { ...params, limit }, { follow: true })
  }

  did(name) {
    return this.world.did(name)
  }

  uri(name) {
    return this.world.uri(name)
  }

  /** Names of all records of a collection, in the order they were written. */
  names(collection) {
    return Object.keys(this.world.refs).filter((name) => this.uri(name).split('/')[3] === collection)
  }

  posts() {
    return this.names(POST)
  }
}

/** Pieces of at most `size`. */
export function chunks(list, size) {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, n) => list.slice(n * size, (n + 1) * size))
}
