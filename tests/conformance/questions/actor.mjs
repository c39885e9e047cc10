// Profiles: everybody by everybody, as DID and as handle, and those who are gone.
import { CAST } from '../seed/cast.mjs'
import { EVERYBODY, FEW, SIGNED_IN, chunks } from './table.mjs'

export function actor(t) {
  const getProfile = 'app.bsky.actor.getProfile'
  t.each(getProfile, EVERYBODY, CAST.map((name) => ({ actor: t.did(name) })))
  t.each(getProfile, FEW, ['alice.test', 'ALICE.test', 'evan.test', 'lena.test', 'lena-moved.test', 'mod.test'].map((actor) => ({ actor })))
  t.each(getProfile, ['anonymous'], [
    { actor: 'nobody.test' },
    { actor: 'did:plc:nobodyhasthisidentifierx' },
    { actor: 'did:web:nobody.example' },
    { actor: 'not a handle' },
    {},
  ])
  for (const labelers of [`${t.did('omar')};redact`, `${t.did('omar')},${t.did('evan')}`, 'nonsense'])
    t.each(getProfile, FEW, { actor: t.did('rosa') }, { labelers })
  const everyone = CAST.map((name) => t.did(name))
  const getProfiles = 'app.bsky.actor.getProfiles'
  t.each(getProfiles, EVERYBODY, { actors: everyone })
  t.each(getProfiles, FEW, [
    { actors: ['alice.test', t.did('alice'), 'bob.test', 'nobody.test'] },
    { actors: ['nobody.test'] },
    { actors: chunks([...everyone, ...everyone], 26)[0] },
  ])
  const getPreferences = 'app.bsky.notification.getPreferences'
  t.each(getPreferences, SIGNED_IN, {})
  search(t)
}

// The reference's own search is a stand-in (a part of the handle): asked is what has one right answer.
function search(t) {
  for (const q of ['alice.test', 'lena-moved', 'hana', 'evan.test', 'nobody-has-this'])
    t.each('app.bsky.actor.searchActors', FEW, { q })
  for (const q of ['hana', 'dora', 'evan', 'nobody-has-this']) t.each('app.bsky.actor.searchActorsTypeahead', FEW, { q })
  t.each('app.bsky.actor.searchActorsTypeahead', ['ordinary'], { term: 'bob' })
}
