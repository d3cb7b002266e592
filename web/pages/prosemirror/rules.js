import { inputRules, textblockTypeInputRule, wrappingInputRule } from 'prosemirror-inputrules'
import { schema } from './schema.js'

const { nodes } = schema

// rules format what is typed at the start of a line, as in Markdown.
export const rules = inputRules({
  rules: [
    textblockTypeInputRule(/^(#{1,3})\s$/, nodes.heading, match => ({ level: match[1].length })),
    textblockTypeInputRule(/^```$/, nodes.code_block),
    wrappingInputRule(/^>\s$/, nodes.blockquote),
    wrappingInputRule(/^[-*]\s$/, nodes.bullet_list),
    wrappingInputRule(/^(\d+)\.\s$/, nodes.ordered_list, match => ({ order: +match[1] }))
  ]
})
