/** "Where does this key live?": the answer in words, and its partition on the ring. */
import type { ClusterPicture, PartitionPicture } from '../core/picture/cluster-picture.js';
import { byId, setText } from './dom.js';
import { placeOf } from './key-place.js';
import { describePartition } from './partition-words.js';
import type { SelectionStore } from './selection.js';

export class KeyLookup {
  private readonly input = byId('key') as HTMLInputElement;
  private picture: ClusterPicture | null = null;
  private partitions: PartitionPicture[] = [];

  constructor(private readonly selection: SelectionStore) {
    byId('lookup').addEventListener('submit', (event) => event.preventDefault());
    this.input.addEventListener('input', () => this.typed());
  }

  render(picture: ClusterPicture, partitions: PartitionPicture[]): void {
    this.picture = picture;
    this.partitions = partitions;
    const { partition, key } = this.selection.value;
    // Picked on the ring: what was typed before is not what is shown.
    if (partition !== null && key === '') this.input.value = '';
    setText(byId('key-answer'), this.answer());
  }

  private typed(): void {
    const place = placeOf(this.input.value, this.partitions.length);
    this.selection.pickPartition(place.type === 'found' ? place.partition : null, this.input.value);
    setText(byId('key-answer'), this.answer());
  }

  private answer(): string {
    const { picture, partitions } = this;
    if (picture === null) return '';
    const place = placeOf(this.input.value, partitions.length);
    if (place.type === 'refused') return place.why;
    const chosen = this.selection.value.partition;
    if (place.type === 'none' && chosen !== null) return describePartition(picture, partitions, chosen);
    if (place.type === 'none') return hint;
    const tag = place.tag === null ? '' : ` Only its tag “${place.tag}” counts.`;
    return `${describePartition(picture, partitions, place.partition)}${tag}`;
  }
}

const hint = 'Type a key, or pick a partition on the ring. Keys with the same {tag} in braces live together.';
