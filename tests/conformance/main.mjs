// The whole run: a network and its reference AppView, Millrace beside it, the seed, the questions, the
// score. Started by `cargo xtask conformance`, which brings PostgreSQL, Redis and the built program:
//   ROOT, TARGET_DIR, MILLRACE_BIN, DB_POSTGRES_URL, REDIS_HOST in the environment.
// Ends when its standard input does, with everything it started.
import fs from 'node:fs'
import path from 'node:path'
import { AppView } from './appview.mjs'
import { ask } from './ask.mjs'
import { startChild } from './child.mjs'
import { findMillrace, startMillrace } from './millrace.mjs'
import { Names } from './names.mjs'
import { options } from './options.mjs'
import { questions } from './questions/index.mjs'
import { Expected, Recorder } from './record.mjs'
import { keptPercent, line, print, writeDifferences, writePage } from './report.mjs'
import { Score } from './score.mjs'
import { VERIFIERS } from './seed/cast.mjs'
import { accounts, seed } from './seed/index.mjs'
import { World } from './seed/world.mjs'
import { read, write } from './state.mjs'

const HANDLES_WITHIN_MS = 30_000
const EXPECTED = 'expected.json'

const started = performance.now()
const chosen = options()
const closing = []
fs.mkdirSync(chosen.dir, { recursive: true })
process.stdin.on('end', () => end(1)).resume()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => end(1))

try {
  const run = chosen.network ? await attached() : await fresh()
  const score = await compared(run)
  const fine = reported(score)
  if (chosen.keep) await kept(run)
  await end(fine ? 0 : 1)
} catch (error) {
  console.error(error)
  await end(1)
}

/** A network of this run's own. Millrace reads along from the first record on, as it would in life. */
async function fresh() {
  const since = Date.now()
  say('starting PLC, PDS, bsync and the reference AppView')
  // A PDS leaves its data behind; here it is removed by the next run.
  const tmp = path.join(chosen.dir, 'tmp')
  fs.rmSync(tmp, { recursive: true, force: true })
  fs.mkdirSync(tmp)
  const network = await startChild('network.mjs', { LOG_ENABLED: 'false', TMPDIR: tmp }, path.join(chosen.dir, 'network.log'))
  closing.push(network)
  const { url, did } = network.hello.reference
  const reference = new AppView('reference', url, did)
  const world = new World(network, [reference])
  await accounts(world)
  const millrace = await beside(network.hello, world, 0)
  if (millrace) world.appviews.push(millrace)
  say('seeding')
  await seed(world, say)
  await world.settle()
  await millrace?.visible(world.seq)
  write(path.join(chosen.dir, 'network.json'), { network: network.hello, world, since })
  return { world, reference, millrace, since, network: network.hello }
}

/** A network that another run keeps (`--keep`). Millrace catches up with it, and is told what it was told. */
async function attached() {
  const { network, world, since } = read(chosen.network)
  await fetch(`${network.pds}/xrpc/_health`).catch(() => {
    throw new Error(`the network of ${chosen.network} does not run any more`)
  })
  const reference = new AppView('reference', network.reference.url, network.reference.did)
  // Everything comes at once: with more threads events would overtake those of other accounts.
  const millrace = await beside(network, world, 1)
  await millrace?.visible(world.seq)
  if (millrace && !chosen.millrace) for (const told of world.owned) await millrace.tell(world.accounts[told.viewer], told)
  return { world, reference, millrace, since, network }
}

async function beside(network, world, threads) {
  if (chosen.referenceOnly) return undefined
  if (chosen.millrace) return findMillrace(chosen.millrace)
  say('starting Millrace')
  const verifiers = VERIFIERS.map((name) => world.did(name))
  const millrace = await startMillrace(chosen.binary, path.join(chosen.dir, 'millrace-data'), { network, verifiers, threads })
  closing.push(millrace)
  return millrace
}

async function compared({ world, reference, millrace, since }) {
  if (millrace) await handlesVerified(millrace, world)
  const names = new Names(world)
  const recorder = new Recorder(chosen.dir, names)
  const score = new Score(since, names)
  const before = new Expected(chosen.network && path.join(path.dirname(chosen.network), EXPECTED))
  const list = questions(world, chosen.method)
  say(`asking ${list.length} questions`)
  for (const each of list) {
    const question = recorder.question(each)
    const [expected, got] = await Promise.all([
      before.answer(each) ?? ask(reference, world, each),
      millrace && ask(millrace, world, each),
    ])
    recorder.answer('reference', question, expected)
    recorder.expect(each, expected)
    if (got) recorder.answer('millrace', question, got)
    score.add(question, expected, got)
  }
  if (!chosen.network && !chosen.method) recorder.save(path.join(chosen.dir, EXPECTED))
  return score
}

/** Handles are looked up beside the stream of events; who asks before that is done sees `handle.invalid`. */
async function handlesVerified(millrace, world) {
  const known = Object.values(world.accounts).filter(({ gone, handle }) => !gone && handle)
  const verified = async ({ did, handle }) =>
    (await millrace.ask(null, 'app.bsky.actor.getProfile', { actor: did })).body.handle === handle
  const until = Date.now() + HANDLES_WITHIN_MS
  for (const account of known)
    while (!(await verified(account)) && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 100))
}

/** False when the figure has fallen. Only a whole run may change the page. */
function reported(score) {
  if (chosen.referenceOnly) {
    say(`${score.nonEmpty} of ${score.asked} answers say something; they are in ${chosen.dir}/reference`)
    return true
  }
  writeDifferences(chosen.dir, score)
  print(score)
  const page = path.join(chosen.root, 'docs/conformance.md')
  const whole = !chosen.method && !chosen.millrace && !chosen.network
  const before = keptPercent(page)
  const fallen = whole && score.percent < before
  if (fallen) console.log(`the figure has fallen: docs/conformance.md keeps ${before} %`)
  else if (whole) writePage(page, score)
  say('differences: target/conformance/differences.md')
  console.log(line(score))
  return !fallen
}

async function kept({ reference, millrace, network }) {
  console.log(JSON.stringify({ ...network, reference: reference.url, millrace: millrace?.url, state: `${chosen.dir}/network.json` }, null, 1))
  console.log('kept running; ends with Ctrl-C')
  await new Promise(() => {})
}

async function end(code) {
  await Promise.allSettled(closing.splice(0).map((one) => one.end()))
  process.exit(code)
}

function say(text) {
  console.log(`${String(Math.round((performance.now() - started) / 1000)).padStart(4)} s  ${text}`)
}
