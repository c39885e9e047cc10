// A feed generator as third parties run them: its own did:plc, and a list of posts a feed. Feeds whose
// record key says so misbehave: `broken` answers what is no skeleton, `refuses` demands a login that it
// does not accept. (Slow ones are tested elsewhere: they would only make this run longer.)
import http from 'node:http'
import plc from '@did-plc/lib'
import { Secp256k1Keypair } from '@atproto/crypto'

export async function startFeedServer(plcUrl) {
  const skeletons = new Map()
  const server = http.createServer((request, response) => answer(skeletons, request, response))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://localhost:${server.address().port}`
  return {
    url,
    did: await register(plcUrl, url),
    set(uri, feed) {
      skeletons.set(uri, feed)
      return null
    },
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

function answer(skeletons, request, response) {
  const url = new URL(request.url, 'http://localhost')
  const json = (status, body) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }
  if (url.pathname !== '/xrpc/app.bsky.feed.getFeedSkeleton') return json(501, { error: 'MethodNotImplemented' })
  const uri = url.searchParams.get('feed')
  switch (uri?.split('/').at(-1)) {
    case 'broken':
      return json(200, { feed: [{ post: 17 }] })
    case 'refuses':
      return json(401, { error: 'AuthenticationRequired', message: 'who are you?' })
  }
  const feed = skeletons.get(uri)
  if (!feed) return json(400, { error: 'UnknownFeed', message: 'no such feed' })
  const from = Number(url.searchParams.get('cursor') ?? 0)
  const limit = Number(url.searchParams.get('limit') ?? 50)
  const page = feed.slice(from, from + limit)
  const more = from + limit < feed.length
  json(200, { feed: page, ...(more ? { cursor: String(from + limit) } : {}), reqId: 'req-1' })
}

async function register(plcUrl, endpoint) {
  const key = await Secp256k1Keypair.create()
  const operation = await plc.signOperation(
    {
      type: 'plc_operation',
      verificationMethods: { atproto: key.did() },
      rotationKeys: [key.did()],
      alsoKnownAs: [],
      services: { bsky_fg: { type: 'BskyFeedGenerator', endpoint } },
      prev: null,
    },
    key,
  )
  const did = await plc.didForCreateOp(operation)
  await new plc.Client(plcUrl).sendOperation(did, operation)
  return did
}
