// What updates insert and delete, as yjs 14 encodes it.

import * as Y14 from '../node_modules/@y/y/src/index.js'

// Returns the content ids of updates in V1 and V2, each with a content map in which they are attributed to a user, and a content map of all
// of them with several users.
export function attributions (updates, updatesV2) {
  const users = ['ada', 'bob', '😀']
  const attributed = (ids, i) => Y14.createContentMapFromContentIds(
    ids,
    [Y14.createContentAttribute('insert', users[i % 3]), Y14.createContentAttribute('insertAt', 1.5 + i % 2)],
    [Y14.createContentAttribute('delete', users[i % 3])]
  )
  const ids = updates.map(update => Y14.createContentIdsFromUpdate(update))
  return {
    ids: ids.map(Y14.encodeContentIds),
    idsV2: updatesV2.map(update => Y14.encodeContentIds(Y14.createContentIdsFromUpdateV2(update))),
    map: ids.map(own => Y14.encodeContentMap(Y14.createContentMapFromContentIds(own, [Y14.createContentAttribute('insert', 'ada')], [Y14.createContentAttribute('delete', 'bob')]))),
    whole: Y14.encodeContentMap(Y14.mergeContentMaps(ids.map(attributed)))
  }
}
