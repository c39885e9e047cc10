// The command's options, as `cargo xtask conformance` passes them on.
import path from 'node:path'
import { parseArgs } from 'node:util'

export function options() {
  const { values } = parseArgs({
    options: {
      keep: { type: 'boolean', default: false },
      method: { type: 'string' },
      millrace: { type: 'string' },
      network: { type: 'string' },
      'reference-only': { type: 'boolean', default: false },
    },
  })
  const { TARGET_DIR, MILLRACE_BIN, ROOT } = process.env
  return {
    ...values,
    referenceOnly: values['reference-only'],
    root: ROOT,
    dir: path.join(TARGET_DIR, 'conformance'),
    binary: MILLRACE_BIN,
  }
}
