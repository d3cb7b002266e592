// Lexical with rich text and lists, as its plugin for collaboration binds it.
import { $createParagraphNode, $createTextNode, $getRoot } from 'lexical'
import { createHeadlessEditor } from '@lexical/headless'
import { HeadingNode, QuoteNode, $createHeadingNode } from '@lexical/rich-text'
import { ListItemNode, ListNode, $createListItemNode, $createListNode } from '@lexical/list'
import { createBinding, syncLexicalUpdateToYjs, syncYjsChangesToLexical } from '@lexical/yjs'

export const packages = ['lexical', '@lexical/yjs']

export const bind = (doc, awareness) => {
  const editor = createHeadlessEditor({ nodes: [HeadingNode, QuoteNode, ListNode, ListItemNode], onError: (e) => { throw e } })
  const provider = { awareness, connect () {}, disconnect () {}, on () {}, off () {} }
  const binding = createBinding(editor, provider, 'main', doc, new Map([['main', doc]]))
  const changed = (events, { origin }) => {
    if (origin !== binding) syncYjsChangesToLexical(binding, provider, events, false)
  }
  binding.root.getSharedType().observeDeep(changed)
  const remove = editor.registerUpdateListener(({ prevEditorState, editorState, dirtyElements, dirtyLeaves, normalizedNodes, tags }) => {
    if (!tags.has('skip-collab')) syncLexicalUpdateToYjs(binding, provider, prevEditorState, editorState, dirtyElements, dirtyLeaves, normalizedNodes, tags)
  })
  const bold = (s) => $createTextNode(s).toggleFormat('bold')
  const steps = [
    (author) => $getRoot().append($createHeadingNode('h2').append($createTextNode(`Title by ${author} 🌍`)), $createParagraphNode().append($createTextNode('plain and '), bold('bold'))),
    (author) => $getRoot().append($createListNode('check').append($createListItemNode(true).append($createTextNode(`done by ${author}`)), $createListItemNode(false).append($createTextNode('to do')))),
    (author) => $getRoot().getLastChild().insertBefore($createParagraphNode().append(bold(`${author}`).toggleFormat('italic'), $createTextNode('!'))),
    () => $getRoot().getFirstChild()?.remove(),
    (author) => $getRoot().getFirstDescendant()?.spliceText?.(1, 2, `<${author}>`)
  ]
  return {
    turns: true,
    rounds: steps.length,
    act: (author, round) => editor.update(() => { steps[round](author) }, { discrete: true }),
    view: () => editor.getEditorState().toJSON(),
    close: () => { remove(); binding.root.getSharedType().unobserveDeep(changed) }
  }
}
