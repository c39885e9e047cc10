// One question put to one AppView: a single answer, or the pages that its cursors lead to.
import { VIEWERS } from './seed/cast.mjs'

const PAGES_MAX = 200

export async function ask(appview, world, { method, viewer, params, follow, labelers }) {
  const account = VIEWERS[viewer] === null ? null : world.accounts[VIEWERS[viewer]]
  if (!follow) return appview.ask(account, method, params, { labelers })
  const pages = []
  let cursor
  do {
    const answer = await appview.ask(account, method, cursor === undefined ? params : { ...params, cursor })
    pages.push(answer)
    if (pages.length > PAGES_MAX) throw new Error(`${method} does not end after ${PAGES_MAX} pages`)
    cursor = answer.status === 200 ? answer.body.cursor : undefined
  } while (cursor !== undefined)
  return { pages }
}

/** Whether an answer says nothing: an error, or lists without an item. */
export function isEmpty({ pages, status, body }) {
  if (pages) return pages.every(isEmpty)
  if (status !== 200) return true
  const lists = Object.values(body).filter(Array.isArray)
  const others = Object.values(body).some((value) => value !== null && typeof value === 'object' && !Array.isArray(value))
  return lists.length > 0 && !others && lists.every((list) => list.length === 0)
}
