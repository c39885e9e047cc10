// What came of all questions: how many answers are equal, by method; which methods are not there yet;
// which kinds of differences are the most frequent.
import fs from 'node:fs'
import { NOT_THERE } from './appview.mjs'
import { isEmpty } from './ask.mjs'
import { differences, kind } from './compare.mjs'

/** Methods that the reference cannot answer by itself, with the reason. */
export const UNANSWERABLE = JSON.parse(fs.readFileSync(new URL('unanswerable.json', import.meta.url)))

const FAILED = 500
const FIELD_SEGMENTS = 3

export class Score {
  constructor(since, names) {
    this.since = since
    this.names = names
    this.methods = new Map() // NSID → {asked, equal, answered}
    this.missing = new Map() // NSID → how many questions
    this.failed = [] // questions at which the reference itself fails: it says nothing of what is right
    this.unequal = [] // {question, differences}
    this.nonEmpty = 0
    this.asked = 0
  }

  /** Takes in one pair of answers; `got` is undefined where Millrace is not asked. */
  add(question, expected, got) {
    const { method } = question
    if (method in UNANSWERABLE) return
    if (status(expected) === FAILED) {
      this.failed.push(question)
      return
    }
    if (got && status(got) === NOT_THERE && status(expected) !== NOT_THERE) {
      this.missing.set(method, (this.missing.get(method) ?? 0) + 1)
      return
    }
    this.asked++
    if (!isEmpty(expected)) this.nonEmpty++
    const entry = this.methods.get(method) ?? { asked: 0, equal: 0 }
    this.methods.set(method, entry)
    entry.asked++
    if (!got) return
    const found = differences(method, expected, got, this.since)
    if (found.length === 0) entry.equal++
    else this.unequal.push({ question, differences: this.names.answer(found) })
  }

  get equal() {
    return this.asked - this.unequal.length
  }

  /** Per cent with one decimal, rounded down: 100 means all. */
  get percent() {
    return Math.floor((this.equal / Math.max(1, this.asked)) * 1000) / 10
  }

  /**
   * Kinds of differences, most frequent first: how many answers have it, and in how many it is the only
   * one. `name` gives a difference its kind.
   */
  kinds(name) {
    const kinds = new Map()
    for (const { question, differences } of this.unequal) {
      const seen = new Map(differences.map((difference) => [name(question, difference), difference]))
      for (const [key, difference] of seen) {
        const entry = kinds.get(key) ?? { name: key, answers: 0, alone: 0, methods: new Set(), question: question.id, ...difference }
        entry.answers++
        if (seen.size === 1) entry.alone++
        entry.methods.add(question.method)
        kinds.set(key, entry)
      }
    }
    return [...kinds.values()].sort((a, b) => b.answers - a.answers)
  }
}

function status({ pages, status }) {
  return pages ? pages[0].status : status
}

/** A difference by its whole path, within a method. */
export function byPath({ method }, difference) {
  return `${method} ${kind(difference).replace(/^pages\[\]\./, '')}`
}

/** A difference by the end of its path: one view is part of the answers of many methods. */
export function byField(_, difference) {
  return kind(difference).split('.').slice(-FIELD_SEGMENTS).join('.')
}
