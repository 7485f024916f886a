// Runs TypeDoc. A module of its own, since it resolves TypeDoc from the folder that scripts/docs.mjs copies it to.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Application, Converter, LogLevel, ReflectionKind } from 'typedoc';
import { compact } from './compact.mjs';

/** What a link may lead to. */
const LINKED = ReflectionKind.ClassOrInterface | ReflectionKind.FunctionOrMethod | ReflectionKind.Property | ReflectionKind.TypeAlias | ReflectionKind.Variable;

/** Whether a page would only repeat another: an option that is always refused, or a method that Root has from RootReads and others. */
function isRepeated(reflection) {
  const from = reflection.inheritedFrom?.name ?? '';
  return from.startsWith('Foreign') || (/^Root(?:Reads|Changes|State)\./.test(from) && reflection.parent.name === 'Root');
}

/** Gives the pages short names, and removes what is repeated. */
function shorten(model) {
  for (const page of model.children) page.name = page.name.replace('types/', '');
  for (const reflection of model.getReflectionsByKind(ReflectionKind.Property | ReflectionKind.Method)) if (isRepeated(reflection)) model.removeReflection(reflection);
  for (const signature of model.getReflectionsByKind(ReflectionKind.CallSignature)) {
    // The type checker needs the first overload twice; a reader does not.
    if (signature.comment?.summary[0]?.text.startsWith('The first overload again')) model.removeReflection(signature);
  }
}

/** Pages in the order of the index; those that are not named come after them. */
const ORDER = ['write', 'read', 'ensure-dir', 'root', 'root-read', 'root-changes', 'root-state', 'root-set', 'temp-root', 'lock', 'update', 'append', 'stage', 'errors', 'common', 'capabilities'];

/** Returns the headings of a page that declare something, with their anchors. */
function declarationsOf(page, ofLevel = /^###$/) {
  const seen = new Map();
  return [...page.matchAll(/^(#+) (.+)$/gm)].flatMap(([, level, heading]) => {
    const text = heading.replaceAll('\\', '');
    const slug = text.toLowerCase().replace(/[^\w\s-]/g, '').replace(/\s/g, '-');
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return ofLevel.test(level) ? [{ name: text, anchor: before === 0 ? slug : `${slug}-${before}` }] : [];
  });
}

/** Returns a page whose links lead to the headings that are there: TypeDoc numbers them otherwise where names differ only in case. */
function withAnchors(page, name, pages) {
  return page.replace(/\[(`?)([\w.]+)\1\]\(([\w-]*)((?:\.md)?)#([\w-]+)\)/g, (link, tick, text, target, extension, anchor) => {
    const there = declarationsOf(pages[target || name], /^#+$/);
    const named = there.find((each) => each.name.replace('()', '') === text);
    const isThere = there.some((each) => each.anchor === anchor) || pages[target || name].includes(`id="${anchor}"`);
    const found = named?.anchor ?? (isThere ? anchor : anchor.replace(/-\d+$/, ''));
    return `[${tick}${text}${tick}](${target}${extension}#${found})`;
  });
}

/** Returns the first page: every name with a link, and what holds for all calls, from index.d.ts. */
function indexOf(project, pages) {
  const [, comment] = /^\/\*\*\n(.*?)^ \*\/$/ms.exec(readFileSync(path.join(project, 'index.d.ts'), 'utf8'));
  const [, ...general] = comment.replace(/^ \* ?/gm, '').replace(/\{@link ([^}]+)\}/g, '`$1`').replace('types/errors.d.ts', '[errors](errors.md)').split('\n\n');
  const rank = (name) => (ORDER.indexOf(name) + ORDER.length + 1) % (ORDER.length + 1);
  const rows = Object.entries(pages).sort(([a], [b]) => rank(a) - rank(b)).map(([name, page]) => {
    const links = declarationsOf(page).map((each) => ({ isType: /^[A-Z]\w*[a-z]/.test(each.name) && each.name !== 'HoldfastError', link: `[\`${each.name}\`](${name}.md#${each.anchor})` }));
    const cell = (isType) => links.filter((each) => each.isType === isType).map(({ link }) => link);
    // A root and its parts have methods; the twin of each has its place beside it.
    const methods = name.startsWith('root') ? declarationsOf(page, /^#####$/).filter((each) => /^(?!is)\w+\(\)$/.test(each.name) && !each.name.endsWith('Sync()')) : [];
    const calls = [...cell(false), ...methods.map((each) => `[\`.${each.name}\`](${name}.md#${each.anchor})`)];
    return `| [${name}](${name}.md) | ${calls.join(', ')} | ${cell(true).join(', ')} |`;
  });
  const intro = 'Made by `npm run docs` from the types of the package, which an editor shows, too. The page fs-safe is about `holdfast/fs-safe`, all others are about `holdfast`.';
  return `${['# API reference', intro, ['| page | functions, methods of a root, values | types |', '|---|---|---|', ...rows].join('\n'), '## For all calls', ...general].join('\n\n').trimEnd()}\n`;
}

/**
 * Makes the pages.
 *
 * @param {string} project the checkout
 * @param {string} folder for the pages
 * @returns {Promise<number>} the number of warnings and errors
 */
export default async function makePages(project, folder) {
  const here = import.meta.dirname;
  const subjects = readdirSync(path.join(project, 'types')).filter((name) => name.endsWith('.d.ts'));
  const app = await Application.bootstrapWithPlugins({
    plugin: ['typedoc-plugin-markdown'],
    tsconfig: path.join(here, 'tsconfig.json'),
    entryPoints: [...subjects.map((name) => path.join(project, 'types', name)), path.join(project, 'fs-safe.d.ts')],
    outputs: [{ name: 'markdown', path: folder }],
    name: 'API reference',
    readme: 'none',
    router: 'module',
    disableSources: true,
    excludeExternals: true,
    skipErrorChecking: true,
    groupOrder: ['Functions', 'Classes', 'Interfaces', 'Type Aliases', 'Variables'],
    sort: ['source-order'],
    kindSortOrder: ['Function', 'Class', 'Interface', 'TypeAlias', 'Variable'],
    validation: { invalidLink: true, notExported: true, notDocumented: false },
    hideBreadcrumbs: true,
    hidePageHeader: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    classPropertiesFormat: 'table',
    typeDeclarationFormat: 'table',
    enumMembersFormat: 'table',
    tableColumnSettings: { hideInherited: true, hideOverrides: true, hideModifiers: true },
    pageTitleTemplates: { module: ({ name }) => `API: ${name}` },
    entryFileName: 'README',
    useCodeBlocks: true,
    logLevel: LogLevel.Warn,
  });
  // The files of types/ link to each other's names without importing them.
  app.converter.addUnknownSymbolResolver(({ symbolReference }, { project: model }) => {
    const name = symbolReference?.path?.map((part) => part.path).join('.');
    const named = model.getReflectionsByKind(LINKED).filter((each) => each.getFullName().endsWith(`.${name}`));
    const target = named.find((each) => each.parent.kindOf(ReflectionKind.Module)) ?? named[0];
    return target && { target, caption: name };
  });
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project: model }) => shorten(model));
  const model = await app.convert();
  if (model === undefined) return 1;
  app.validate(model);
  await app.generateOutputs(model);
  const names = readdirSync(folder).filter((name) => name !== 'README.md');
  const pages = Object.fromEntries(names.map((name) => [name.replace('.md', ''), compact(readFileSync(path.join(folder, name), 'utf8'))]));
  for (const [name, page] of Object.entries(pages)) writeFileSync(path.join(folder, `${name}.md`), withAnchors(page, name, pages));
  writeFileSync(path.join(folder, 'README.md'), indexOf(project, pages));
  return app.logger.warningCount + app.logger.errorCount;
}
