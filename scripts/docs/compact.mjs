// Shortens the pages of typedoc-plugin-markdown: one line in place of a heading and a table that hold types alone.

/** Parameters without descriptions, and the type that is returned. */
const PARAMETERS = /^#+ Parameters\n\n\| Parameter \| Type \|\n\| -+ \| -+ \|\n((?:\|.*\|\n)+)(?:\n#+ Returns\n\n(.+)\n)?/gm;
const RETURNS = /^#+ Returns\n\n(.+)\n/gm;
const EXTENDS = /^#+ Extends\n\n((?:- .+\n)+)/gm;
const EXTENDED_BY = /^#+ (?:Extended by|Overrides|Inherited from)\n\n(?:- .+\n|.+\n)+\n?/gm;
const TYPE_PARAMETERS = /^#+ Type Parameters\n\n\| Type Parameter \|\n\| -+ \|\n(?:\|.*\|\n)+\n?/gm;
const RULE = /^\*\*\*\n\n/gm;
/** The items of a list in a cell, which a table has in one line. */
const ITEM = / - (?!\|)/g;
/** The types of a call, and the first letter of the text of `@returns` after them. */
const RETURNED_TEXT = /^(Takes .+\. Returns .+|Returns [`[].+)\.\n\n(?!Takes |Returns )([A-Z])/gm;
const ROW = /^\|.*\|$/gm;

function parameter(row) {
  const [, name, type] = /^\| (?:<a id="[^"]*"><\/a> )?(`[^`]+`) \| (.+) \|$/.exec(row);
  return `${name}: ${type.replace(/^\\\| /, '')}`;
}

/** Returns a page without headings and tables that repeat a signature. */
export function compact(page) {
  return page
    .replace(EXTENDED_BY, '')
    .replace(TYPE_PARAMETERS, '')
    .replace(RULE, '')
    .replace(EXTENDS, (_, list) => `Extends ${list.trimEnd().split('\n').map((line) => line.slice(2)).join(', ')}.\n`)
    .replace(PARAMETERS, (_, rows, returned) => `Takes ${rows.trimEnd().split('\n').map(parameter).join(', ')}.${returned ? ` Returns ${returned}.` : ''}\n`)
    .replace(RETURNS, (_, type) => `Returns ${type}.\n`)
    .replace(RETURNED_TEXT, (_, types, first) => `${types}: ${first.toLowerCase()}`)
    .replace(ROW, (row) => row.replace(ITEM, '<br>• ').replaceAll('| \\| ', '| '))
    .replace(/\n{3,}/g, '\n\n');
}
