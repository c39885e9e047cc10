// A Node process that speaks JSON lines (../network/json-lines.mjs), seen from the outside: its first
// line, then questions one after the other. It ends when its standard input is closed.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import readline from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Starts `script` (beside this file); what it says on standard error goes to the file `log`. */
export async function startChild(script, env, log) {
  const stderr = fs.openSync(log, 'w')
  const child = spawn(process.execPath, [fileURLToPath(new URL(script, import.meta.url))], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', stderr],
  })
  fs.closeSync(stderr)
  const waiting = []
  const ended = new Error(`${script} ended; see ${log}`)
  let over = false
  child.on('exit', () => {
    over = true
    for (const { reject } of waiting.splice(0)) reject(ended)
  })
  readline.createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(JSON.parse(line)))
  const next = () => new Promise((resolve, reject) => (over ? reject(ended) : waiting.push({ resolve, reject })))
  const hello = await next()
  let id = 0
  return {
    hello,
    async call(method, params = {}) {
      child.stdin.write(JSON.stringify({ id: ++id, method, params }) + '\n')
      const { result, error } = await next()
      if (error) throw new Error(`${method}: ${error.error}: ${error.message}`)
      return result
    },
    async end() {
      if (over) return
      const exit = new Promise((resolve) => child.once('exit', resolve))
      child.stdin.end()
      await exit
    },
  }
}
