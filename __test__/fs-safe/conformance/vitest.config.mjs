import { defineConfig, mergeConfig } from 'vitest/config';
import base from '../../../vitest.config.mjs';

const config = mergeConfig(base, defineConfig({}));
// A merge would add to the list. Not part of `npm test`: needs the npm registry and Node 22.
config.test.include = ['__test__/fs-safe/conformance/*.conformance.ts'];
export default config;
