// jest.config.cjs
module.exports = {
  testMatch: ['**/test/*.jest.test.ts'],
  modulePathIgnorePatterns: ['/dist/', '/next/'],
  transform: { '\\.ts$': ['ts-jest', { tsconfig: 'tsconfig.jest.json' }] },
};
