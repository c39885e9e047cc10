// Two answers side by side: both are normalised by the rules of normalise.json, then every place where
// they differ is listed. The order of arrays matters; items that say who they are (a URI, a DID) are
// laid beside each other by that, so that one item too many is one difference and not a hundred.
import fs from 'node:fs'

const DIFFERENCES_MAX = 200
const RULES_MAX = 15

export const RULES = JSON.parse(fs.readFileSync(new URL('normalise.json', import.meta.url)))
if (RULES.length > RULES_MAX) throw new Error(`normalise.json holds more than ${RULES_MAX} rules`)

const COMPILED = RULES.map((rule) => ({ ...rule, pattern: pattern(rule.path) }))

/** What a rule turns the value at its path into. */
const FORMS = {
  presence: (value) => (value == null || value === '' ? undefined : '(present)'), // an empty cursor is none
  moment: (value, since) => (typeof value === 'string' && Date.parse(value) >= since ? '(this run)' : value),
  length: (value) => (Array.isArray(value) ? `(${value.length} items)` : value),
  set: (value) => (Array.isArray(value) ? value.toSorted((a, b) => (identity(a) < identity(b) ? -1 : 1)) : value),
}

/** @param since times from here on (milliseconds) are moments of this run */
export function differences(method, expected, got, since) {
  const rules = COMPILED.filter((rule) => !rule.method || rule.method === method)
  const found = []
  compare(normalised(expected, rules, since), normalised(got, rules, since), '', found)
  return found
}

/** A path with every index taken out: differences of one kind have the same. */
export function kind({ path, expected, got }) {
  const how = got === undefined ? 'missing' : expected === undefined ? 'too much' : 'different'
  return `${path.replaceAll(/\[\d+\]/g, '[]')} ${how}`
}

function normalised(answer, rules, since) {
  // Pages are each an answer: rules name paths of one answer.
  if (answer.pages) return { pages: answer.pages.map((page) => walk(page, '', rules, since)) }
  return walk(answer, '', rules, since)
}

function walk(value, path, rules, since) {
  const rule = rules.find(({ pattern }) => pattern.test(path))
  const formed = rule ? FORMS[rule.as](value, since) : value
  if (Array.isArray(formed)) return formed.map((item) => walk(item, `${path}[]`, rules, since))
  if (!isObject(formed)) return formed
  const inside = ([key, item]) => [key, walk(item, path ? `${path}.${key}` : key, rules, since)]
  return Object.fromEntries(Object.entries(formed).map(inside))
}

function compare(expected, got, path, found) {
  if (found.length >= DIFFERENCES_MAX) return
  if (Array.isArray(expected) && Array.isArray(got)) compareArrays(expected, got, path, found)
  else if (isObject(expected) && isObject(got)) compareObjects(expected, got, path, found)
  else if (expected !== got) found.push({ path, expected, got })
}

function compareObjects(expected, got, path, found) {
  // Of two different things, what else differs says nothing.
  const keys = expected.$type !== got.$type ? ['$type'] : new Set([...Object.keys(expected), ...Object.keys(got)])
  for (const key of keys) compare(expected[key], got[key], path ? `${path}.${key}` : key, found)
}

function compareArrays(expected, got, path, found) {
  const [left, right] = [byIdentity(expected), byIdentity(got)]
  if (!left || !right) {
    const length = Math.max(expected.length, got.length)
    for (let i = 0; i < length; i++) compare(expected[i], got[i], `${path}[${i}]`, found)
    return
  }
  for (const [id, { item, index }] of left) compare(item, right.get(id)?.item, `${path}[${index}]`, found)
  for (const [id, { item, index }] of right) if (!left.has(id)) found.push({ path: `${path}[${index}]`, got: item })
  const order = (one, other) => [...one.keys()].filter((id) => other.has(id))
  const [wanted, is] = [order(left, right), order(right, left)]
  if (wanted.join() !== is.join()) found.push({ path: `${path}(order)`, expected: wanted, got: is })
}

/** Items by what they are about; undefined when one does not say so, or two say the same. */
function byIdentity(items) {
  const map = new Map()
  for (const [index, item] of items.entries()) {
    const id = identity(item)
    if (id === undefined || map.has(id)) return undefined
    map.set(id, { item, index })
  }
  return map
}

function identity(item) {
  if (!isObject(item)) return undefined
  const { uri, did, post, reason, list, starterPack, actor, subject } = item
  const id = post?.uri ?? uri ?? did ?? list?.uri ?? starterPack?.uri ?? subject?.uri ?? actor?.did
  return id === undefined ? undefined : `${id} ${reason?.uri ?? reason?.$type ?? reason ?? ''}`
}

function isObject(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

/** `**` stands for any path, also none; `[]` for any index. */
function pattern(path) {
  const escaped = path.replaceAll(/[.[\]]/g, '\\$&').replace(/^\*\*\\\./, '(?:.+\\.)?')
  return new RegExp(`^${escaped}$`)
}
