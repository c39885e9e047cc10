// What belongs to the one who asks: notifications, bookmarks, drafts, subscriptions.
import { SIGNED_IN } from './table.mjs'

export function own(t) {
  const list = 'app.bsky.notification.listNotifications'
  t.each(list, SIGNED_IN, [{}, { limit: 100 }])
  t.paged(list, SIGNED_IN, {}, [10])
  t.paged(list, ['ordinary'], {}, [1])
  for (const reasons of ['like', 'repost', 'follow', 'mention', 'reply', 'quote', 'starterpack-joined', 'verified', 'unverified', 'like-via-repost', 'repost-via-repost'])
    t.each(list, ['ordinary', 'muter'], { reasons })
  t.each(list, ['ordinary'], [{ reasons: ['like', 'follow'] }, { priority: true }, { seenAt: '2025-06-01T12:00:00.000Z' }, { limit: 0 }])
  t.each(list, ['anonymous'], {})
  const unread = 'app.bsky.notification.getUnreadCount'
  t.each(unread, SIGNED_IN, [{}, { priority: true }])
  t.each(unread, ['ordinary'], { seenAt: '2025-06-01T12:00:00.000Z' })
  t.each(unread, ['anonymous'], {})
  t.paged('app.bsky.bookmark.getBookmarks', SIGNED_IN, {}, [2, 50])
  t.each('app.bsky.bookmark.getBookmarks', ['anonymous'], {})
  t.each('app.bsky.bookmark.getBookmarks', ['ordinary'], [{ limit: 0 }, { limit: 101 }])
  // Not followed: the reference ends with an empty cursor, which leads to the beginning.
  t.each('app.bsky.draft.getDrafts', SIGNED_IN, [{}, { limit: 1 }])
  t.each('app.bsky.draft.getDrafts', ['anonymous'], {})
  t.each('app.bsky.draft.getDrafts', ['ordinary'], { limit: 0 })
  const subscriptions = 'app.bsky.notification.listActivitySubscriptions'
  t.paged(subscriptions, SIGNED_IN, {}, [1, 50])
  t.each(subscriptions, ['anonymous'], {})
  t.each(list, ['ordinary', 'muter'], { reasons: ['subscribed-post'] })
}
