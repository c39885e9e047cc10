// What only an AppView keeps, told to both: mutes, list mutes, muted threads, bookmarks, drafts, what was
// seen, subscriptions.

export async function own(world) {
  const mute = (by, subject) => world.tell(by, 'app.bsky.graph.muteActor', { actor: world.did(subject) })
  await mute('faye', 'bob')
  await mute('faye', 'omar')
  await mute('faye', 'gus')
  await world.tell('faye', 'app.bsky.graph.unmuteActor', { actor: world.did('gus') })
  await mute('dora', 'hana')
  await mute('alice', 'dan')
  const muteList = (by, list) => world.tell(by, 'app.bsky.graph.muteActorList', { list: world.uri(list) })
  await muteList('faye', 'list.mute')
  await muteList('faye', 'list.evan')
  await muteList('alice', 'list.mod')
  await world.tell('faye', 'app.bsky.graph.unmuteActorList', { list: world.uri('list.evan') })
  const muteThread = (by, root) => world.tell(by, 'app.bsky.graph.muteThread', { root: world.uri(root) })
  await muteThread('faye', 'fork')
  await muteThread('carol', 'hiding')
  await muteThread('faye', 'solo')
  await world.tell('faye', 'app.bsky.graph.unmuteThread', { root: world.uri('solo') })

  const bookmark = (by, name) => world.tell(by, 'app.bsky.bookmark.createBookmark', world.ref(name))
  for (const name of ['bob.images', 'fork', 'carol.link', 'bob.doomed', 'rosa.post', 'stream.2']) await bookmark('alice', name)
  await world.tell('alice', 'app.bsky.bookmark.deleteBookmark', { uri: world.uri('stream.2') })
  for (const name of ['fork', 'alice.first']) await bookmark('faye', name)
  await bookmark('dora', 'alice.first')

  const draft = (text) => world.tell('alice', 'app.bsky.draft.createDraft', { draft: { posts: [{ text }] } })
  await draft('not finished')
  await draft('not finished either')

  const subscribe = (by, subject, activitySubscription) =>
    world.tell(by, 'app.bsky.notification.putActivitySubscription', { subject: world.did(subject), activitySubscription })
  await subscribe('bob', 'alice', { post: true, reply: false })
  await subscribe('alice', 'hana', { post: true, reply: true })
  // The reference by itself keeps what is wanted and lists everything all the same: nothing that shows.
  const wants = { like: { include: 'all', list: true, push: false }, verified: { list: true, push: false } }
  await world.tell('dora', 'app.bsky.notification.putPreferencesV2', wants)
}

/** Told last: until when notifications were seen. */
export async function seen(world) {
  const seenAt = '2025-06-01T14:00:00.000Z'
  for (const by of ['alice', 'dora']) {
    // The reference makes its row twice at once when there is none, and either may win.
    await world.tell(by, 'app.bsky.notification.putPreferences', { priority: false })
    await world.tell(by, 'app.bsky.notification.updateSeen', { seenAt })
  }
}
