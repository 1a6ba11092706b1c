"""Short everyday sentences with places for names, written for the training of the model in the package.

The corpora are encyclopaedic, or news: a greeting or a question of six words hardly occurs in them. The places stand
where a name has its plain form, so that names of the corpora fit in. No sentence of tests/everyday.py is among them.
"""

from typing import Dict, List

_FRAMES = """
en  {PER} is my best friend . | My name is {PER} . | {PER} and {PER} are already here . | {LOC} is a beautiful place . | {ORG} is a large company . | Where is {LOC} ? | Have you ever been to {LOC} ? | Who is {PER} ? | We flew from {LOC} to {LOC} . | {PER} likes {LOC} | {PER} hates {LOC} ! | Thank you , {PER} ! | I bought it from {ORG} .
de  {PER} ist mein bester Freund . | Ich heiße {PER} . | {PER} und {PER} sind schon da . | {LOC} ist ein schöner Ort . | {ORG} ist eine große Firma . | Wo liegt {LOC} ? | Wir fahren morgen nach {LOC} . | Wer ist {PER} ? | {PER} mag {LOC} | Meine Tante {PER} kommt aus {LOC} . | Danke , {PER} !
es  {PER} es mi mejor amigo . | Me llamo {PER} . | {PER} y {PER} ya están aquí . | {LOC} es un lugar hermoso . | {ORG} es una gran empresa . | ¿ Dónde está {LOC} ? | ¿ Quién es {PER} ? | Vamos mañana a {LOC} . | A {PER} le gusta {LOC} | Mi tía {PER} viene de {LOC} . | ¡ Gracias , {PER} !
fr  {PER} est mon meilleur ami . | Je m'appelle {PER} . | {PER} et {PER} sont déjà là . | {LOC} est un bel endroit . | {ORG} est une grande entreprise . | Où se trouve {LOC} ? | Qui est {PER} ? | Nous allons demain à {LOC} . | {PER} aime {LOC} | Ma tante {PER} vient de {LOC} . | Merci , {PER} !
nl  {PER} is mijn beste vriend . | Ik heet {PER} . | {PER} en {PER} zijn er al . | {LOC} is een mooie plek . | {ORG} is een groot bedrijf . | Waar ligt {LOC} ? | Wie is {PER} ? | We gaan morgen naar {LOC} . | {PER} houdt van {LOC} | Mijn tante {PER} komt uit {LOC} .
pl  {PER} to mój najlepszy przyjaciel . | Nazywam się {PER} . | {PER} i {PER} już tu są . | {LOC} to piękne miejsce . | {ORG} to duża firma . | Gdzie jest {LOC} ? | Kto to jest {PER} ? | {PER} lubi czytać . | Moja ciocia {PER} jest chora .
pt  {PER} é o meu melhor amigo . | Eu me chamo {PER} . | {PER} e {PER} já estão aqui . | {LOC} é um lugar bonito . | {ORG} é uma grande empresa . | Onde fica {LOC} ? | Quem é {PER} ? | Vamos amanhã para {LOC} . | {PER} gosta de {LOC} | A minha tia {PER} vem de {LOC} .
ru  {PER} — мой лучший друг . | Меня зовут {PER} . | {PER} и {PER} уже здесь . | {LOC} — красивое место . | {ORG} — большая компания . | Где находится {LOC} ? | Кто такой {PER} ? | {PER} любит читать . | Мой дядя {PER} болен . | Моя подруга {PER} пришла домой .
da  {PER} er min bedste ven . | Jeg hedder {PER} . | {PER} og {PER} er her allerede . | {LOC} er et smukt sted . | {ORG} er et stort firma . | Hvor ligger {LOC} ? | Hvem er {PER} ? | Vi tager til {LOC} i morgen . | {PER} elsker {LOC} | Min tante {PER} kommer fra {LOC} .
hr  {PER} je moj najbolji prijatelj . | Zovem se {PER} . | {PER} i {PER} su već ovdje . | {LOC} je lijepo mjesto . | {ORG} je velika tvrtka . | Gdje je {LOC} ? | Tko je {PER} ? | Moja teta {PER} je bolesna . | {PER} voli čitati .
sk  {PER} je môj najlepší priateľ . | Volám sa {PER} . | {PER} a {PER} sú už tu . | {LOC} je krásne miesto . | {ORG} je veľká firma . | Kde je {LOC} ? | Kto je {PER} ? | Moja teta {PER} je chorá . | {PER} rada číta .
sr  {PER} je moj najbolji prijatelj . | Zovem se {PER} . | {PER} i {PER} su već ovde . | {LOC} je lepo mesto . | {ORG} je velika firma . | Gde je {LOC} ? | Ko je {PER} ? | Moja tetka {PER} je bolesna . | {PER} voli da čita .
sv  {PER} är min bästa vän . | Jag heter {PER} . | {PER} och {PER} är redan här . | {LOC} är en vacker plats . | {ORG} är ett stort företag . | Var ligger {LOC} ? | Vem är {PER} ? | Vi åker till {LOC} i morgon . | {PER} älskar {LOC} | Min moster {PER} kommer från {LOC} .
fi  {PER} on paras ystäväni . | Nimeni on {PER} . | {PER} ja {PER} ovat jo täällä . | {LOC} on kaunis paikka . | {ORG} on suuri yritys . | Missä on {LOC} ? | Kuka on {PER} ? | Tätini {PER} on sairas . | {PER} lukee kirjaa .
tr  {PER} benim en iyi arkadaşım . | Benim adım {PER} . | {PER} ve {PER} zaten burada . | {LOC} çok güzel bir yer . | {ORG} büyük bir şirket . | {LOC} nerede ? | {PER} kim ? | Teyzem {PER} hasta . | {PER} kitap okuyor .
hu  {PER} a legjobb barátom . | A nevem {PER} . | {PER} és {PER} már itt van . | {LOC} gyönyörű hely . | A {ORG} nagy cég . | Hol van {LOC} ? | Ki az a {PER} ? | A nagynéném , {PER} beteg . | {PER} könyvet olvas .
lv  {PER} ir mans labākais draugs . | Mani sauc {PER} . | {PER} un {PER} jau ir šeit . | {LOC} ir skaista vieta . | {ORG} ir liels uzņēmums . | Kur atrodas {LOC} ? | Kas ir {PER} ? | Mana tante {PER} ir slima . | {PER} lasa grāmatu .
ro  {PER} este cel mai bun prieten al meu . | Mă numesc {PER} . | {PER} și {PER} sunt deja aici . | {LOC} este un loc frumos . | {ORG} este o companie mare . | Unde este {LOC} ? | Cine este {PER} ? | Mergem mâine la {LOC} . | Mătușa mea {PER} vine din {LOC} . | Lui {PER} îi place {LOC}
kk  {PER} менің ең жақын досым . | Менің атым {PER} . | {PER} мен {PER} осында . | {LOC} өте әдемі жер . | {ORG} үлкен компания . | {LOC} қайда ? | {PER} кім ? | {PER} кітап оқып отыр .
hi  {PER} मेरा सबसे अच्छा दोस्त है । | मेरा नाम {PER} है । | {PER} और {PER} यहाँ हैं । | {LOC} एक सुंदर जगह है । | {ORG} एक बड़ी कंपनी है । | {LOC} कहाँ है ? | {PER} कौन है ? | हम कल {LOC} जाएंगे । | मेरी चाची {PER} {LOC} से आई हैं ।
ar  {PER} هو صديقي المفضل . | اسمي {PER} . | وصل {PER} و {PER} . | {LOC} مكان جميل . | {ORG} شركة كبيرة . | أين تقع {LOC} ؟ | من هو {PER} ؟ | سنذهب غدا إلى {LOC} . | عمي {PER} من {LOC} . | ذهبت {PER} إلى {LOC} .
th  {PER} เป็น เพื่อน ของ ฉัน | ฉัน ชื่อ {PER} | {PER} และ {PER} มา แล้ว | {LOC} เป็น สถานที่ สวยงาม | {ORG} เป็น บริษัท ใหญ่ | {LOC} อยู่ ที่ไหน | {PER} คือ ใคร | พรุ่งนี้ เรา จะ ไป {LOC} | {PER} มา จาก {LOC} | {PER} ทำงาน ใน {LOC}
ja  {PER} は 私 の 友達 です 。 | 私 の 名前 は {PER} です 。 | {PER} と {PER} は もう 来 まし た 。 | {LOC} は きれい な 所 です 。 | {ORG} は 大きな 会社 です 。 | {LOC} は どこ です か 。 | {PER} さん は 誰 です か 。 | 明日 {LOC} へ 行き ます 。 | {PER} さん は {LOC} から 来 まし た 。
zh  {PER} 是 我 最 好 的 朋友 。 | 我 叫 {PER} 。 | {PER} 和 {PER} 已经 到 了 。 | {LOC} 是 个 美丽 的 地方 。 | {ORG} 是 一 家 大 公司 。 | {LOC} 在 哪里 ？ | {PER} 是 谁 ？ | 我们 明天 去 {LOC} 。 | {PER} 从 {LOC} 来 。 | {PER} 喜欢 {LOC} 。
zh-Hant  {PER} 是 我 最 好 的 朋友 。 | 我 叫 {PER} 。 | {PER} 和 {PER} 已經 到 了 。 | {LOC} 是 個 美麗 的 地方 。 | {ORG} 是 一 家 大 公司 。 | {LOC} 在 哪裡 ？ | {PER} 是 誰 ？ | 我們 明天 去 {LOC} 。 | {PER} 從 {LOC} 來 。 | {PER} 喜歡 {LOC} 。
"""


def read_frames() -> Dict[str, List[List[str]]]:
    """Frames by language: words, and places such as {PER}."""
    frames: Dict[str, List[List[str]]] = {}
    for line in _FRAMES.strip().split("\n"):
        language, content = line.split("  ", 1)
        frames[language] = [frame.split() for frame in content.split(" | ")]
    return frames
