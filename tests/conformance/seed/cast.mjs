// Who takes part, and who looks. Names say the part somebody plays: `dora` blocks, `evan` is blocked.

/** Accounts in the order they are made. */
export const CAST = [
  'alice', // ordinary: follows and is followed by most
  'bob', // writes much
  'carol', // begins threads
  'dan', // makes lists
  'dora', // blocks: carol, evan, and the accounts of a list
  'evan', // is blocked by dora and bob
  'faye', // mutes: bob, a list, two threads
  'gus', // new here: joined through a starter pack, follows two
  'hana', // writes Japanese, Chinese and Korean
  'ivan', // deactivates the account
  'judy', // deletes the account
  'kurt', // is taken down by the PDS
  'lena', // changes the handle
  'milo', // has a handle that does not resolve
  'nora', // verifies others
  'omar', // labels, and is live
  'pia', // makes feeds and starter packs
  'quin', // never wrote a profile
  'rosa', // does not want to be seen by strangers
  'sven', // deactivates the account and comes back
]

/** Whose verifications count, by the settings of both AppViews. */
export const VERIFIERS = ['nora']

/** Who is gone in the end. What they did to others is kept to one thread, see `leaving` in threads.mjs. */
export const LEAVING = ['ivan', 'judy', 'kurt']

/** Who asks, by the account whose token is used; null is nobody. */
export const VIEWERS = {
  anonymous: null,
  ordinary: 'alice',
  blocker: 'dora',
  blocked: 'evan',
  muter: 'faye',
  newcomer: 'gus',
}
