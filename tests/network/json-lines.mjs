// Requests and answers as JSON, one a line: how a Rust test talks to a Node process.
//   in:  {"id": 1, "method": "pds.stop", "params": {…}}
//   out: {"id": 1, "result": …}  or  {"id": 1, "error": {"status", "error", "message"}}
// Standard output carries nothing else; the end of standard input is the end of the process.
import readline from 'node:readline'

// What a library prints must not end up between two answers.
console.log = console.info = console.debug = console.error

export function say(value) {
  process.stdout.write(JSON.stringify(value) + '\n')
}

/** Answers requests one after the other in the order they came, until standard input ends. */
export async function serve(methods) {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    if (line.trim() === '') continue
    const { id, method, params } = JSON.parse(line)
    try {
      const handler = methods[method]
      if (!handler) throw new Error(`no method "${method}"`)
      say({ id, result: (await handler(params ?? {})) ?? null })
    } catch (e) {
      say({ id, error: { status: e.status ?? null, error: e.error ?? e.name ?? 'Error', message: e.message ?? String(e) } })
    }
  }
}
