// The score for people (standard output, docs/conformance.md) and for programs (target/conformance).
import fs from 'node:fs'
import path from 'node:path'
import { RULES } from './compare.mjs'
import { byField, byPath, UNANSWERABLE } from './score.mjs'

const DEVIATIONS = JSON.parse(fs.readFileSync(new URL('deviations.json', import.meta.url)))
const KINDS_SHOWN = 200
const PACKAGES = ['@atproto/bsky', '@atproto/bsync', '@atproto/pds', '@did-plc/server', '@atproto/api']

export function line(score) {
  return `conformance: ${score.equal} of ${score.asked} equal (${score.percent} %)`
}

/** The percentage that docs/conformance.md keeps; below it no run may fall. */
export function keptPercent(file) {
  if (!fs.existsSync(file)) return 0
  return Number(/^conformance: \d+ of \d+ equal \((\d+(?:\.\d+)?) %\)$/m.exec(fs.readFileSync(file, 'utf8'))?.[1] ?? 0)
}

/** The table by method, on standard output. */
export function print(score) {
  const width = Math.max(0, ...[...score.methods.keys()].map((name) => name.length))
  for (const [method, { asked, equal }] of sorted(score.methods)) console.log(`  ${method.padEnd(width)}  ${equal}/${asked}`)
  if (score.missing.size) console.log(`not there yet: ${sorted(score.missing).map(([method, asked]) => `${method} (${asked})`).join(', ')}`)
  console.log(`answers that say something: ${score.nonEmpty} of ${score.asked}`)
}

/** differences.json: every answer that differs and where; differences.md: the kinds, most frequent first. */
export function writeDifferences(dir, score) {
  fs.writeFileSync(path.join(dir, 'differences.json'), JSON.stringify(score.unequal, null, 1))
  const text = `${line(score)}

"n (m alone)": n answers have it; for m of them it is all that differs.

# By field, over all methods

${listed(score.kinds(byField), ({ methods }) => `in ${methods.size} methods, `)}

# By method and path

${listed(score.kinds(byPath), () => '')}
`
  fs.writeFileSync(path.join(dir, 'differences.md'), text)
}

function listed(kinds, more) {
  const item = (kind) => `${kind.answers} (${kind.alone} alone)  ${kind.name}
    ${more(kind)}for one ${kind.question}: ${kind.path}
    expected ${short(kind.expected)}
    got      ${short(kind.got)}`
  return kinds.slice(0, KINDS_SHOWN).map(item).join('\n')
}

export function writePage(file, score) {
  const methods = sorted(score.methods).map(([method, { asked, equal }]) => [`\`${method}\``, equal, asked, `${Math.floor((equal / asked) * 1000) / 10} %`])
  const text = `<!-- Written by \`make conformance\`. -->
# Conformance

The same seeded network, made through a real PDS, is indexed by the reference AppView and by Millrace;
both are asked the same questions for the same viewers, and their JSON answers are compared as a whole.
An answer counts as equal only when nothing in it differs. The figure may only rise.

\`\`\`
${line(score)}
\`\`\`

${percent(score.nonEmpty, score.asked)} of the reference's answers say something: they are neither errors nor empty lists.
The reference: ${PACKAGES.map((name) => `${name} ${version(name)}`).join(', ')}.

## By method

${table(['method', 'equal', 'asked', ''], methods)}

${score.missing.size ? `## Not there yet\n\nMillrace does not answer these yet; they are not scored.\nWhat an account would tell an AppView through one of them, the reference is not told either.\n\n${sorted(score.missing).map(([method]) => `- \`${method}\``).join('\n')}\n` : ''}
## Not to be compared

Methods that the reference, run by itself, cannot answer.

${table(['method', 'why'], Object.entries(UNANSWERABLE).sort().map(([method, why]) => [`\`${method}\``, why]))}

Questions at which it fails itself (500), which says nothing of what is right:

${score.failed.map(({ method, viewer, params }) => `- \`${method}\` ${viewer} \`${JSON.stringify(params)}\``).join('\n') || 'none'}

## What is normalised

${table(['path', 'becomes', 'why'], RULES.map(({ path, method, as, reason }) => [`\`${path}\`${method ? ` of \`${method}\`` : ''}`, as, reason]))}

## Different on purpose

${DEVIATIONS.length ? table(['where', 'how', 'why'], DEVIATIONS.map(({ where, how, reason }) => [where, how, reason])) : 'Nothing.'}
`
  fs.writeFileSync(file, text)
}

function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

function percent(part, whole) {
  return `${Math.floor((part / Math.max(1, whole)) * 100)} %`
}

function sorted(map) {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1))
}

function short(value) {
  const text = JSON.stringify(value) ?? '(nothing)'
  return text.length > 240 ? `${text.slice(0, 240)}…` : text
}

function version(name) {
  return JSON.parse(fs.readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version
}
