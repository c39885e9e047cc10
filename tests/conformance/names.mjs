// Identifiers differ from run to run; written down they carry the names of the seed instead, so that
// answers of two runs can be laid side by side by eye.

export class Names {
  #dids
  #records

  constructor(world) {
    this.#dids = [...Object.entries(world.accounts).map(([name, { did }]) => [did, name])]
    this.#records = Object.entries(world.refs).map(([name, { uri }]) => [uri, name])
  }

  /** Any JSON value with `did:plc:alice` in place of her DID. */
  answer(value) {
    let text = JSON.stringify(value)
    for (const [did, name] of this.#dids) text = text.replaceAll(did, `did:plc:${name}`)
    return text === undefined ? undefined : JSON.parse(text)
  }

  /** Parameters, with names in place of the URIs of records as well. */
  params(params) {
    let text = JSON.stringify(params)
    for (const [uri, name] of this.#records) text = text.replaceAll(uri, `<${name}>`)
    return this.answer(JSON.parse(text))
  }
}
