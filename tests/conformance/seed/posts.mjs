// Single posts with everything a post can carry: facets, languages, labels, pictures, links, quotes.
import { selfLabels } from './accounts.mjs'
import { jpeg, png } from './images.mjs'

export function post(world, by, as, text, more = {}) {
  return world.create(by, 'app.bsky.feed.post', { text, ...more }, { as })
}

/** A facet over the first occurrence of `part`; positions count UTF-8 bytes. */
export function facet(text, part, feature) {
  const byteStart = Buffer.byteLength(text.slice(0, text.indexOf(part)))
  return { index: { byteStart, byteEnd: byteStart + Buffer.byteLength(part) }, features: [feature] }
}

export async function posts(world) {
  await written(world)
  await pictured(world)
  await quoted(world)
  await stream(world)
}

async function written(world) {
  await post(world, 'alice', 'alice.first', 'The first post of all', { langs: ['en'] })
  const text = '水 hello @bob.test, look at https://rivers.example/dee and #millrace'
  await post(world, 'alice', 'alice.facets', text, {
    langs: ['en', 'ja'],
    tags: ['rivers', 'Mills'],
    facets: [
      facet(text, '@bob.test', { $type: 'app.bsky.richtext.facet#mention', did: world.did('bob') }),
      facet(text, 'https://rivers.example/dee', { $type: 'app.bsky.richtext.facet#link', uri: 'https://rivers.example/dee' }),
      facet(text, '#millrace', { $type: 'app.bsky.richtext.facet#tag', tag: 'millrace' }),
    ],
  })
  await post(world, 'hana', 'hana.ja', '水車が回る音が好きです。東京の川', { langs: ['ja'] })
  await post(world, 'hana', 'hana.zh', '我喜歡水車的聲音', { langs: ['zh'] })
  await post(world, 'hana', 'hana.ko', '물레방아 소리가 좋아요', { langs: ['ko'] })
  await post(world, 'bob', 'bob.emoji', '👨‍👩‍👧‍👦 family at the watermill 🇳🇴')
  await post(world, 'bob', 'bob.lines', 'one\n\n\ntwo\tthree  four')
  await post(world, 'omar', 'omar.labelled', 'not for everybody', { labels: selfLabels(['sexual', 'graphic-media']) })
  await post(world, 'rosa', 'rosa.post', 'only for those who are signed in')
  await post(world, 'quin', 'quin.post', 'no profile, one post about sluices')
  await post(world, 'milo', 'milo.post', 'my domain expired')
  await post(world, 'lena', 'lena.post', 'a new address soon')
}

async function pictured(world) {
  const image = async (by, alt, aspectRatio) => ({
    image: await world.upload(by, jpeg(alt), 'image/jpeg'),
    alt,
    ...(aspectRatio ? { aspectRatio } : {}),
  })
  const images = [await image('bob', 'a mill', { width: 4, height: 3 }), await image('bob', 'a sluice'), await image('bob', '')]
  await post(world, 'bob', 'bob.images', 'three pictures of the watermill', { embed: { $type: 'app.bsky.embed.images', images } })
  await post(world, 'bob', 'bob.picture', '', {
    embed: { $type: 'app.bsky.embed.images', images: [await image('bob', 'no words', { width: 1, height: 1 })] },
  })
  const thumb = await world.upload('carol', png(20, 10, [10, 120, 40]), 'image/png')
  const external = { uri: 'https://news.example/floods?year=2025', title: 'Floods', description: 'of the century', thumb }
  await post(world, 'carol', 'carol.link', 'read this', { embed: { $type: 'app.bsky.embed.external', external } })
  await post(world, 'carol', 'carol.barelink', 'no picture', {
    embed: { $type: 'app.bsky.embed.external', external: { uri: 'https://news.example/', title: '', description: '' } },
  })
  const video = await world.upload('dan', Buffer.from('\0\0\0\x18ftypmp42 not really a film'), 'video/mp4')
  await post(world, 'dan', 'dan.video', 'a film', {
    embed: { $type: 'app.bsky.embed.video', video, alt: 'a wheel turns', aspectRatio: { width: 16, height: 9 } },
  })
  await post(world, 'dan', 'dan.unknown', 'embeds what nobody knows', { embed: { $type: 'com.example.embed.smell', smell: 'hay' } })
}

async function quoted(world) {
  const record = (name) => ({ $type: 'app.bsky.embed.record', record: world.ref(name) })
  const withMedia = (name, media) => ({ $type: 'app.bsky.embed.recordWithMedia', record: { record: world.ref(name) }, media })
  await post(world, 'bob', 'quote.alice', 'quoting the first', { embed: record('alice.first') })
  await post(world, 'carol', 'quote.quote', 'quoting a quote', { embed: record('quote.alice') })
  await post(world, 'dan', 'quote.quote.quote', 'three deep', { embed: record('quote.quote') })
  await post(world, 'evan', 'quote.by.evan', 'the blocked quotes the first', { embed: record('alice.first') })
  await post(world, 'alice', 'quote.images', 'quoting pictures', { embed: record('bob.images') })
  await post(world, 'alice', 'quote.self', 'quoting myself', { embed: record('alice.facets') })
  await post(world, 'alice', 'quote.shy', 'quoting the shy one', { embed: record('rosa.post') })
  await post(world, 'alice', 'quote.evan', 'quoting the blocked', { embed: record('quote.by.evan') })
  const image = { image: await world.upload('faye', jpeg('and a picture'), 'image/jpeg'), alt: 'and a picture' }
  await post(world, 'faye', 'quote.with.images', 'with a picture', {
    embed: withMedia('alice.first', { $type: 'app.bsky.embed.images', images: [image] }),
  })
  const external = { uri: 'https://rivers.example/', title: 'Rivers', description: 'all of them' }
  await post(world, 'faye', 'quote.with.link', 'with a link', {
    embed: withMedia('carol.link', { $type: 'app.bsky.embed.external', external }),
  })
  await post(world, 'bob', 'bob.doomed', 'this will be deleted')
  await post(world, 'alice', 'quote.doomed', 'quoting what will be deleted', { embed: record('bob.doomed') })
  await post(world, 'alice', 'quote.nothing', 'quoting what never was', {
    embed: {
      $type: 'app.bsky.embed.record',
      record: { uri: `at://${world.did('bob')}/app.bsky.feed.post/3aaaaaaaaaa2a`, cid: world.ref('alice.first').cid },
    },
  })
  await post(world, 'alice', 'quote.profile', 'quoting a profile', { embed: record('profile.bob') })
}

/** Enough plain posts that pages end in the middle. */
async function stream(world) {
  const writers = ['bob', 'carol', 'evan', 'alice', 'dan', 'faye', 'dora', 'hana', 'ivan', 'judy', 'kurt', 'sven']
  for (let n = 1; n <= 36; n++) {
    const by = writers[(n * 7) % writers.length]
    await post(world, by, `stream.${n}`, `note ${n} from the riverbank`, { langs: [n % 3 === 0 ? 'de' : 'en'] })
  }
}
