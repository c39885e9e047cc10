// What was asked and answered, as files to look at: one for each question, by AppView and method.
import fs from 'node:fs'
import path from 'node:path'

export class Recorder {
  #counts = new Map()
  #expected = {}

  constructor(dir, names) {
    this.dir = dir
    this.names = names
    for (const appview of ['reference', 'millrace']) fs.rmSync(path.join(dir, appview), { recursive: true, force: true })
  }

  /** The question with names, and the name under which its answers are kept. */
  question({ method, viewer, params, follow, labelers }) {
    const key = `${method}/${viewer}`
    const number = (this.#counts.get(key) ?? 0) + 1
    this.#counts.set(key, number)
    const id = `${key}-${String(number).padStart(3, '0')}`
    return { id, method, viewer, params: this.names.params(params), ...(follow ? { pages: 'all' } : {}), ...(labelers ? { labelers: this.names.answer(labelers) } : {}) }
  }

  answer(appview, question, answer) {
    const file = path.join(this.dir, appview, `${question.id}.json`)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, JSON.stringify({ question, answer: this.names.answer(answer) }, null, 1))
  }
  /** What the reference answered, for runs that ask the same network again (`Expected`). */
  expect(asked, answer) {
    this.#expected[JSON.stringify(asked)] = answer
  }

  save(file) {
    fs.writeFileSync(file, JSON.stringify(this.#expected))
  }
}

/** Answers of the reference that an earlier run wrote down: nothing in a kept network changes them. */
export class Expected {
  #answers

  constructor(file) {
    this.#answers = file && fs.existsSync(file) ? JSON.parse(fs.readFileSync(file)) : {}
  }

  answer(asked) {
    return this.#answers[JSON.stringify(asked)]
  }
}
