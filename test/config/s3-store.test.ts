import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import { s3StoreOf } from '../../src/config/s3-store.ts';
import { problemsOf } from './support.ts';

describe('an S3 store', () => {
  test('is a bucket, and a prefix in it', () => {
    const plain = { kind: 's3', bucket: 'backups', prefix: '', forcePathStyle: false, tags: {} };
    assert.deepEqual(s3StoreOf('s3://backups'), plain);
    assert.deepEqual(s3StoreOf('s3://backups/'), plain);
    assert.deepEqual(s3StoreOf('s3://Old_Bucket'), { ...plain, bucket: 'Old_Bucket' });
    assert.deepEqual(s3StoreOf('s3://backups/of/etcd/'), { ...plain, prefix: 'of/etcd' });
    assert.deepEqual(s3StoreOf('s3://backups/a%20b%3F?forcePathStyle=true'), {
      ...plain,
      prefix: 'a b?',
      forcePathStyle: true,
    });
  });

  test('has parameters for what every object is stored with', () => {
    const { serverSideEncryption, kmsKeyId, storageClass, objectLock, tags } = s3StoreOf(
      's3://b-1/p?serverSideEncryption=aws:kms&kmsKeyId=arn:aws:kms:eu-west-1:1:key/x&storageClass=STANDARD_IA' +
        '&objectLockMode=GOVERNANCE&objectLockDays=30&tag.team=infra&tag.made%20by=etcd%2Bupkeep',
    );
    assert.equal(serverSideEncryption, 'aws:kms');
    assert.equal(kmsKeyId, 'arn:aws:kms:eu-west-1:1:key/x');
    assert.equal(storageClass, 'STANDARD_IA');
    assert.deepEqual(objectLock, { mode: 'GOVERNANCE', days: 30 });
    assert.deepEqual(tags, { team: 'infra', 'made by': 'etcd+upkeep' });
    const until = s3StoreOf('s3://bucket?objectLockMode=COMPLIANCE&objectLockUntil=2031-05-01T00:00:00Z');
    assert.deepEqual(until.objectLock, { mode: 'COMPLIANCE', until: new Date('2031-05-01T00:00:00Z') });
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['s3://', /should be s3:\/\/bucket\/prefix/],
    ['s3:bucket', /should be s3:\/\/bucket\/prefix/],
    ['S3://bucket', /should be s3:\/\/bucket\/prefix/],
    ['s3:///prefix', /should be s3/],
    ['s3://bu', /plain name/],
    ['s3://bucket:9000/prefix', /AWS_ENDPOINT_URL_S3/],
    ['s3://-bucket', /plain name/],
    ['s3://bucket/a//b', /no empty parts/],
    ['s3://bucket/%2e%2e/b', /no "\." and "\.\."/],
    ['s3://bucket/%00', /no control characters/],
    ['s3://bucket/%zz', /write % itself as %25/],
    ['s3://bucket/a#b', /no fragment/],
    ['s3://me:secret@bucket/a', /without credentials: they belong into AWS_ACCESS_KEY_ID/],
    ['s3://bucket?region=eu', /parameter region, which should be one of forcePathStyle, .*tag\.NAME/],
    ['s3://bucket?forcepathstyle=true', /parameter forcepathstyle/],
    ['s3://bucket?forcePathStyle=yes', /wrong forcePathStyle, which should be one of true, false/],
    ['s3://bucket?forcePathStyle=true&forcePathStyle=true', /forcePathStyle twice/],
    ['s3://bucket?forcePathStyle', /forcePathStyle without a value/],
    ['s3://bucket?tag.=x', /parameter tag\./],
    ['s3://bucket?tag.team=yes%26no', /the tag tag\.team, whose name and value/],
    ['s3://bucket?serverSideEncryption=aes', /serverSideEncryption.*AES256, aws:kms/],
    ['s3://bucket?kmsKeyId=x', /serverSideEncryption should be aws:kms/],
    ['s3://bucket?serverSideEncryption=aws:kms&kmsKeyId=x%0A', /wrong kmsKeyId/],
    ['s3://bucket?serverSideEncryption=AES256&kmsKeyId=x', /serverSideEncryption should be aws:kms/],
    ['s3://bucket?storageClass=GLACIER', /wrong storageClass, which should be one of STANDARD/],
    ['s3://bucket?objectLockMode=GOVERNANCE', /objectLockMode together with/],
    ['s3://bucket?objectLockDays=3', /objectLockMode together with/],
    ['s3://bucket?objectLockMode=GOVERNANCE&objectLockDays=0', /wrong objectLockDays/],
    ['s3://bucket?objectLockMode=GOVERNANCE&objectLockDays=1e3', /wrong objectLockDays/],
    ['s3://bucket?objectLockMode=GOVERNANCE&objectLockDays=99999', /wrong objectLockDays/],
    ['s3://bucket?objectLockMode=GOVERNANCE&objectLockUntil=tomorrow', /wrong objectLockUntil/],
    ['s3://bucket?objectLockMode=GOVERNANCE&objectLockUntil=2031-13-01T00:00:00Z', /wrong objectLockUntil/],
    [
      's3://bucket?objectLockMode=GOVERNANCE&objectLockDays=1&objectLockUntil=2031-01-01T00:00:00Z',
      /either objectLockDays or/,
    ],
    [`s3://bucket?${Array.from({ length: 11 }, (_, index) => `tag.t${index}=x`).join('&')}`, /11 tags/],
  ];

  for (const [url, reason] of wrong) {
    test(`is refused: ${url.slice(0, 80)}`, () => {
      const [problem, ...others] = problemsOf({ BACKUP_STORE: url, CLUSTER_NAME: 'prod' });
      assert.deepEqual(others, []);
      assert.equal(problem?.variable, 'BACKUP_STORE');
      assert.match(problem.message, reason);
      assert.doesNotMatch(problem.message, /secret|=eu|yes|tomorrow/);
    });
  }

  test('needs CLUSTER_NAME, unless there is to be no backup', () => {
    const BACKUP_STORE = 's3://bucket';
    const [problem] = problemsOf({ BACKUP_STORE });
    assert.equal(problem?.variable, 'CLUSTER_NAME');
    assert.match(problem.message, /many clusters may share a bucket/);
    assert.equal(loadConfig({ BACKUP_STORE, CLUSTER_NAME: 'prod' }).clusterName, 'prod');
    loadConfig({ BACKUP_STORE, BACKUP_ENABLED: 'false', BACKUP_SKIP_CONFIRMED: 'true' });
  });
});
