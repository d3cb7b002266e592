import { askLink } from '../../shared/link.js'
import { toolbar } from '../../shared/toolbar.js'

// tools fills element with the controls of the editor.
export function tools (element, editor) {
  const act = change => () => change(editor.chain().focus()).run()
  const button = (label, key, type, change, more) => ({
    label,
    key,
    run: act(change),
    able: () => change(editor.can().chain()).run(),
    on: type && (() => editor.isActive(type)),
    ...more
  })
  const kind = (label, change, ...is) => ({ label, run: act(change), on: () => editor.isActive(...is) })

  const draw = toolbar(element, [
    kind('Paragraph', chain => chain.setParagraph(), 'paragraph'),
    ...[1, 2, 3].map(level => kind(`Heading ${level}`, chain => chain.setHeading({ level }), 'heading', { level })),
    kind('Code', chain => chain.setCodeBlock(), 'codeBlock')
  ], [
    button('Bold', 'B', 'bold', chain => chain.toggleBold()),
    button('Italic', 'I', 'italic', chain => chain.toggleItalic()),
    button('Strike', 'Shift+S', 'strike', chain => chain.toggleStrike(), { name: 'Strike through' }),
    button('Code', 'E', 'code', chain => chain.toggleCode(), { name: 'Inline code' }),
    { label: 'Link', run: () => link(editor), able: () => editor.can().setMark('link', { href: '' }), on: () => editor.isActive('link') },
    null,
    button('Bullets', 'Shift+8', 'bulletList', chain => chain.toggleBulletList(), { name: 'Bullet list' }),
    button('Numbers', 'Shift+7', 'orderedList', chain => chain.toggleOrderedList(), { name: 'Numbered list' }),
    button('Quote', 'Shift+B', 'blockquote', chain => chain.toggleBlockquote()),
    null,
    button('Undo', 'Z', undefined, chain => chain.undo()),
    button('Redo', 'Shift+Z', undefined, chain => chain.redo())
  ])
  editor.on('transaction', draw)
  draw()
}

function link (editor) {
  askLink(editor.getAttributes('link').href ?? '', href => {
    const chain = editor.chain().focus()
    if (href === '') chain.extendMarkRange('link').unsetLink()
    else if (href && editor.state.selection.empty && !editor.isActive('link')) {
      chain.insertContent({ type: 'text', text: href, marks: [{ type: 'link', attrs: { href } }] })
    } else if (href) chain.extendMarkRange('link').setLink({ href })
    chain.run()
  })
}
