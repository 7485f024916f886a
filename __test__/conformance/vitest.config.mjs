import { defineConfig, mergeConfig } from 'vitest/config';
import base from '../../vitest.config.mjs';

const config = mergeConfig(base, defineConfig({}));
// Merging would add to the list. This is not part of `npm test`: it needs the npm registry and Node 22.
config.test.include = ['__test__/conformance/*.conformance.ts'];
export default config;
