declare module "*.stemmer.js" {
  export class Stemmer {
    stemWord(word: string): string;
  }
}
