"""More everyday sentences for the training of the model in the package: kin, titles and professions, with and without
a name beside them, and places as what a verb is done to.

What is a person's name and what only names a person is told apart by little in the corpora, where most sentences that
speak of a brother or a minister go on with a name. `seen` are places as the object of "to visit", where they bend; `*`
stands for each place of the language. `first` are more common names. No sentence of tests/everyday.py is among them.
"""

from typing import Dict, List

_PEOPLE = """
# en
first: Anna | Maria | John | Paul | Emily | Jack | Linda | Susan | Kevin | Charlotte | Henry | Grace | Andrew | Olivia | Steve | Karen
seen: *
frames: My brother is a teacher . | My brother {PER} is a teacher . | Your mother called this morning | My parents moved {TO} . | The president met {PER} {AT} . | The minister visited {SEEN} on Monday . | The doctor and the nurse work {AT} . | Mr {PER} is waiting outside . | Our teacher , {PER} , comes from {LOC} . | {PER} misses {SEEN} | {PER} wants to see {SEEN} ! | {PER} and her sister {PER} visited {SEEN} . | {PER} married {PER} . | His uncle {PER} bought a car from {ORG} . | The king of {LOC} is ill . | I met {PER} at {ORG} yesterday . | My boss hates {SEEN} . | The capital of {LOC} is {LOC} .
# de
first: Maria | Thomas | Peter | Hans | Martin | Claudia | Petra | Christian | Susanne | Markus | Karin | Jürgen | Leonie | Emma | Tim | Wolfgang
seen: *
frames: Mein Bruder schläft noch . | Mein Bruder {PER} schläft noch . | Mein Vater {PER} arbeitet {AT} . | Deine Mutter hat angerufen | Meine Eltern ziehen {TO} . | Der Präsident traf {PER} {AT} . | Die Ministerin besuchte am Montag {SEEN} . | Der Arzt und die Lehrerin kommen aus {LOC} . | Herr {PER} wartet draußen . | Frau {PER} kommt aus {LOC} . | {PER} liebt {SEEN} | {PER} will {SEEN} sehen ! | {PER} hat {PER} geheiratet . | Sein Onkel {PER} arbeitet für {ORG} . | Der König von {LOC} ist krank . | Mein Chef war noch nie {AT} . | Unser Lehrer {PER} lebt jetzt {AT} . | Die Hauptstadt von {LOC} ist {LOC} .
# es
first: María | Juan | Pedro | Rosa | Manuel | Cristina | Fernando | Teresa | Alejandro | Raquel | Sergio | Beatriz | Andrés | Pilar
seen: *
frames: Mi hermano es médico . | Mi hermana {PER} es médica . | Tu madre llamó esta mañana | Mis padres volvieron {TO} . | El presidente se reunió con {PER} {AT} . | La ministra visitó {SEEN} el lunes . | El profesor y la enfermera trabajan {AT} . | El señor {PER} espera fuera . | La señora {PER} es de {LOC} . | {PER} ama {SEEN} | {PER} quiere ver {SEEN} . | {PER} se casó con {PER} . | Su tío {PER} trabaja en {ORG} . | El rey de {LOC} está enfermo . | Mi jefe nunca ha estado {AT} . | La capital de {LOC} es {LOC} .
# fr
first: Pierre | Jean | Anne | Paul | Lucie | Philippe | Catherine | Mathieu | Léa | Emma | Jacques | Sandrine | Vincent | Élise
seen: la France | la Belgique | la Suisse | l' Allemagne | l' Italie | l' Espagne | le Canada | la Chine | Paris | Lyon | Londres | Rome | Berlin | New York
frames: Mon frère est médecin . | Ma cousine {PER} est médecin . | Ta mère a appelé ce matin | Mes parents déménagent {TO} . | Le président a rencontré {PER} {AT} . | La ministre a visité {SEEN} lundi . | Le professeur et l'infirmière travaillent {AT} . | Monsieur {PER} attend dehors . | Madame {PER} vient de {LOC} . | {PER} adore {SEEN} | {PER} veut voir {SEEN} ! | {PER} a épousé {PER} . | Son oncle {PER} travaille pour {ORG} . | Le roi est malade . | Mon chef n'est jamais allé {AT} . | Nous avons quitté {SEEN} hier .
# nl
first: Jan | Peter | Marieke | Johan | Sanne | Henk | Ingrid | Maarten | Lisa | Tim | Julia | Erik | Hanneke | Karel
seen: *
frames: Mijn broer is leraar . | Mijn broer {PER} is leraar . | Je moeder heeft gebeld | Mijn ouders verhuizen {TO} . | De president ontmoette {PER} {AT} . | De minister bezocht {SEEN} op maandag . | De dokter en de verpleegster werken {AT} . | Meneer {PER} wacht buiten . | Mevrouw {PER} komt uit {LOC} . | {PER} houdt van {SEEN} | {PER} wil {SEEN} zien ! | {PER} is met {PER} getrouwd . | Zijn oom {PER} werkt voor {ORG} . | De koningin van {LOC} is ziek . | Mijn baas is nog nooit {AT} geweest . | De hoofdstad van {LOC} is {LOC} .
# pl
first: Anna | Jan | Paweł | Monika | Jakub | Natalia | Grzegorz | Małgorzata | Łukasz | Karolina | Stanisław | Beata | Marcin | Julia
seen: Polskę | Francję | Hiszpanię | Ukrainę | Niemcy | Włochy | Chiny | Warszawę | Pragę | Kraków | Gdańsk | Paryż | Londyn | Berlin
frames: Mój brat jest lekarzem . | Mój brat {PER} jest lekarzem . | Twoja mama dzwoniła rano | Moi rodzice wyjechali {TO} . | Prezydent spotkał się z ministrem {AT} . | Minister odwiedził {SEEN} w poniedziałek . | Lekarz i nauczycielka pracują {AT} . | Pan {PER} czeka na zewnątrz . | Pani {PER} uczy matematyki {AT} . | {PER} kocha {SEEN} | {PER} chce zobaczyć {SEEN} ! | Jego wujek {PER} pracuje w {ORG} . | Król jest chory . | Moja siostra nigdy nie była {AT} . | Nasz nauczyciel {PER} wrócił {TO} .
# pt
first: João | Manuel | Catarina | Ricardo | Teresa | André | Mariana | Bruno | Helena | Luís | Rita | Gabriel | Juliana | Rafael
seen: Lisboa | Coimbra | São Paulo | Brasília | Paris | Londres | Roma | Madrid | o Brasil | a França | a Espanha | a Alemanha | a China | Angola | Portugal | o Porto
frames: O meu irmão é médico . | A minha irmã {PER} é médica . | A tua mãe ligou hoje | Os meus pais voltaram {TO} . | O presidente encontrou {PER} {AT} . | A ministra visitou {SEEN} na segunda-feira . | O professor e a enfermeira trabalham {AT} . | O senhor {PER} está à espera . | A senhora {PER} é de {LOC} . | {PER} ama {SEEN} | {PER} quer ver {SEEN} ! | {PER} casou com {PER} . | O tio {PER} trabalha para a {ORG} . | O rei está doente . | O meu chefe nunca esteve {AT} .
# ru
first: Анна | Александр | Юлия | Владимир | Ксения | Виктор | Людмила | Максим | Галина | Пётр | Вера | Олег | Нина | Кирилл
seen: Москву | Россию | Францию | Германию | Италию | Испанию | Польшу | Индию | Украину | Китай | Париж | Лондон | Берлин | Казань | Прагу
frames: Мой брат работает врачом . | Моя сестра {PER} работает врачом . | Моя мама звонила утром | Мои родители переехали {TO} . | Президент встретился с министром {AT} . | Министр посетил {SEEN} в понедельник . | Врач и учительница живут {AT} . | Господин {PER} ждёт на улице . | Моя тётя {PER} преподаёт {AT} . | {PER} любит {SEEN} | {PER} хочет увидеть {SEEN} ! | Его дядя {PER} работает в {ORG} . | Король болен . | Моя начальница никогда не была {AT} . | Наш учитель {PER} вернулся {TO} . | Мой сын {PER} и моя дочь {PER} уже дома .
# da
first: Anne | Peter | Jens | Kirsten | Mikkel | Maria | Søren | Hanne | Thomas | Camilla | Ole | Julie | Henrik | Lone
seen: *
frames: Min bror er lærer . | Min bror {PER} er lærer . | Din mor ringede i morges | Mine forældre flytter {TO} . | Præsidenten mødte {PER} {AT} . | Ministeren besøgte {SEEN} i mandags . | Lægen og sygeplejersken arbejder {AT} . | Hr. {PER} venter udenfor . | Fru {PER} kommer fra {LOC} . | {PER} elsker {SEEN} | {PER} vil se {SEEN} ! | {PER} blev gift med {PER} . | Hans onkel {PER} arbejder for {ORG} . | Kongen er syg . | Min chef har aldrig været {AT} .
# hr
first: Ana | Petar | Luka | Katarina | Josip | Maja | Nikola | Lucija | Stjepan | Vesna | Filip | Iva | Zoran | Mia
seen: Hrvatsku | Sloveniju | Srbiju | Njemačku | Francusku | Italiju | Španjolsku | Austriju | Kinu | Rijeku | Zagreb | Split | Pariz | London | Beč
frames: Moj brat je liječnik . | Moja sestra {PER} je liječnica . | Tvoja majka je zvala jutros | Moji roditelji sele {TO} . | Predsjednik se sastao s ministrom {AT} . | Ministar je posjetio {SEEN} u ponedjeljak . | Liječnik i učiteljica rade {AT} . | Gospodin {PER} čeka vani . | Gospođa {PER} predaje {AT} . | {PER} voli {SEEN} | {PER} želi vidjeti {SEEN} ! | Njegov ujak {PER} radi u tvrtki {ORG} . | Kralj je bolestan . | Moj šef nikad nije bio {AT} .
# sk
first: Mária | Anna | Ján | Michal | Lucia | Tomáš | Katarína | Jozef | Eva | Marek | Monika | Juraj | Veronika | Pavol
seen: Bratislavu | Prahu | Viedeň | Nemecko | Rakúsko | Francúzsko | Taliansko | Poľsko | Maďarsko | Čínu | Európu | Londýn | Paríž | Košice
frames: Môj brat je lekár . | Môj brat {PER} je lekár . | Tvoja mama volala ráno | Moji rodičia odišli {TO} . | Prezident sa stretol s ministrom {AT} . | Minister navštívil {SEEN} v pondelok . | Lekár a učiteľka pracujú {AT} . | Pán {PER} čaká vonku . | Pani {PER} učí {AT} . | {PER} miluje {SEEN} | {PER} chce vidieť {SEEN} ! | Jeho strýko {PER} pracuje vo firme {ORG} . | Kráľ je chorý . | Moja šéfka nikdy nebola {AT} .
# sr
first: Ana | Marija | Nikola | Jovana | Stefan | Ivana | Aleksandar | Teodora | Vladimir | Sanja | Luka | Dragana | Bojan | Nina
seen: Srbiju | Hrvatsku | Rusiju | Nemačku | Francusku | Italiju | Španiju | Austriju | Kinu | Beograd | Novi Sad | Pariz | London | Beč | Moskvu
frames: Moj brat je lekar . | Moja sestra {PER} je lekarka . | Tvoja majka je zvala jutros | Moji roditelji sele {TO} . | Predsednik se sastao sa ministrom {AT} . | Ministar je posetio {SEEN} u ponedeljak . | Lekar i učiteljica rade {AT} . | Gospodin {PER} čeka napolju . | Gospođa {PER} predaje {AT} . | {PER} voli {SEEN} | {PER} želi da vidi {SEEN} ! | Njegov ujak {PER} radi u firmi {ORG} . | Kralj je bolestan . | Moj šef nikad nije bio {AT} .
# sv
first: Anna | Erik | Johan | Maria | Lars | Karin | Anders | Sara | Gustav | Emma | Björn | Ingrid | Nils | Elin
seen: *
frames: Min bror är lärare . | Min bror {PER} är lärare . | Din mamma ringde i morse | Mina föräldrar flyttar {TO} . | Presidenten mötte {PER} {AT} . | Ministern besökte {SEEN} i måndags . | Läkaren och sjuksköterskan arbetar {AT} . | Herr {PER} väntar utanför . | Fru {PER} kommer från {LOC} . | {PER} älskar {SEEN} | {PER} vill se {SEEN} ! | {PER} gifte sig med {PER} . | Hans farbror {PER} arbetar för {ORG} . | Kungen är sjuk . | Min chef har aldrig varit {AT} .
# fi
first: Anna | Matti | Liisa | Mikko | Maria | Jukka | Sanna | Pekka | Laura | Antti | Tiina | Ville | Päivi | Timo
seen: Suomea | Ruotsia | Norjaa | Saksaa | Ranskaa | Italiaa | Espanjaa | Viroa | Venäjää | Kiinaa | Helsinkiä | Tamperetta | Pariisia | Lontoota
frames: Veljeni on opettaja . | Veljeni {PER} on opettaja . | Äitisi soitti aamulla | Vanhempani muuttavat {TO} . | Presidentti tapasi ministerin {AT} . | Ministeri kävi maanantaina {AT} . | Lääkäri ja opettaja työskentelevät {AT} . | Herra {PER} odottaa ulkona . | Rouva {PER} opettaa {AT} . | {PER} rakastaa {SEEN} | {PER} kaipaa {SEEN} ! | Setäni {PER} lähti {TO} . | Kuningas on sairas . | Pomoni ei ole koskaan ollut {AT} . | Siskoni {PER} palasi {TO} .
# tr
first: Ayşe | Mustafa | Fatma | Ali | Zeynep | Hüseyin | Elif | Hasan | Emine | İbrahim | Merve | Murat | Selin | Burak
seen: Türkiye'yi | Almanya'yı | Fransa'yı | İtalya'yı | Rusya'yı | Çin'i | Japonya'yı | İstanbul'u | Ankara'yı | İzmir'i | Paris'i | Londra'yı | Berlin'i
frames: Kardeşim doktor . | Ablam {PER} doktor . | Annem bu sabah aradı | Anne ve babam {TO} taşındı . | Cumhurbaşkanı {AT} bakanla görüştü . | Bakan pazartesi günü {SEEN} ziyaret etti . | Doktor ve öğretmen {AT} çalışıyor . | {PER} Bey dışarıda bekliyor . | {PER} Hanım {AT} ders veriyor . | {PER} {SEEN} seviyor | {PER} {SEEN} görmek istiyor ! | Amcam {PER} {AT} kaldı . | Kral hasta . | Patronum hiç {AT} bulunmadı .
# hu
first: János | Anna | Péter | Mária | Zoltán | Éva | Gábor | Katalin | László | Judit | András | Eszter | István | Réka
seen: Magyarországot | Németországot | Ausztriát | Franciaországot | Olaszországot | Kínát | Japánt | Budapestet | Bécset | Prágát | Párizst | Londont | Szegedet
frames: A bátyám orvos . | A nővérem , {PER} , orvos . | Az anyád reggel telefonált | A szüleim {TO} költöznek . | Az elnök a miniszterrel találkozott {AT} . | A miniszter hétfőn meglátogatta {SEEN} . | Az orvos és a tanárnő {AT} dolgozik . | {PER} úr kint vár . | {PER} asszony {AT} tanít . | {PER} szereti {SEEN} | {PER} látni akarja {SEEN} ! | A nagybátyám , {PER} , {AT} maradt . | A király beteg . | A főnököm soha nem járt {AT} .
# lv
first: Anna | Jānis | Līga | Andris | Kristīne | Mārtiņš | Ilze | Juris | Inese | Edgars | Laura | Pēteris | Dace | Artūrs
seen: Latviju | Lietuvu | Igauniju | Vāciju | Franciju | Itāliju | Spāniju | Krieviju | Poliju | Ķīnu | Rīgu | Liepāju | Parīzi | Londonu | Berlīni
frames: Mans brālis ir ārsts . | Mana māsa {PER} ir ārste . | Tava mamma zvanīja no rīta | Mani vecāki pārceļas {TO} . | Prezidents tikās ar ministru {AT} . | Ministrs pirmdien devās {TO} . | Premjers apmeklēs {SEEN} pirmdien . | Ārsts un skolotāja strādā {AT} . | {PER} kungs gaida ārā . | {PER} kundze māca {AT} . | {PER} mīl {SEEN} | {PER} grib redzēt {SEEN} ! | Mans tēvocis {PER} palika {AT} . | Karalis ir slims . | Mans priekšnieks nekad nav bijis {AT} .
# ro
first: Maria | Ion | Ana | Alexandru | Ioana | Mihai | Cristina | George | Mihaela | Vlad | Gabriela | Ștefan | Raluca | Radu
seen: România | Franța | Germania | Italia | Spania | Grecia | Rusia | China | Bucureștiul | Clujul | Parisul | Londra | Roma | Iașiul | Moldova
frames: Fratele meu este medic . | Sora mea {PER} este medic . | Mama ta a sunat azi-dimineață | Părinții mei s-au mutat {TO} . | Președintele s-a întâlnit cu ministrul {AT} . | Ministrul vizitează luni {SEEN} . | Premierul va vizita {SEEN} în mai . | Medicul și profesoara lucrează {AT} . | Domnul {PER} așteaptă afară . | Doamna {PER} predă {AT} . | {PER} iubește {SEEN} | {PER} vrea să vadă {SEEN} ! | Unchiul {PER} lucrează la {ORG} . | Regele este bolnav . | Șeful meu nu a fost niciodată {AT} .
# kk
first: Айгүл | Ерлан | Дана | Нұрлан | Мадина | Бауыржан | Сәуле | Асхат | Динара | Тимур | Гүлнар | Ержан
seen: Қазақстанды | Ресейді | Қытайды | Германияны | Францияны | Түркияны | Астананы | Алматыны | Лондонды | Парижді | Мәскеуді
frames: Менің ағам дәрігер . | Менің әпкем {PER} дәрігер . | Анам таңертең қоңырау шалды | Ата-анам {TO} көшті . | Президент министрмен {AT} кездесті . | Министр дүйсенбіде {TO} ұшты . | Дәрігер мен мұғалім {AT} жұмыс істейді . | {PER} мырза сыртта күтіп тұр . | {PER} {SEEN} жақсы көреді | {PER} {SEEN} көргісі келеді ! | Менің нағашым {PER} {AT} қалды . | Патша ауырып қалды .
# hi
first: राम | सीता | अमित | पूजा | राहुल | नेहा | विजय | सुनीता | संजय | कविता | अनिल | गीता
seen: *
frames: मेरा भाई डॉक्टर है । | मेरी बहन {PER} डॉक्टर है । | तुम्हारी माँ ने फ़ोन किया | मेरे माता-पिता {LOC} चले गए । | राष्ट्रपति ने {LOC} में मंत्री से मुलाकात की । | मंत्री ने सोमवार को {LOC} का दौरा किया । | डॉक्टर और शिक्षक {LOC} में काम करते हैं । | श्री {PER} बाहर इंतज़ार कर रहे हैं । | {PER} को {LOC} पसंद है | {PER} {LOC} देखना चाहता है । | मेरे चाचा {PER} {ORG} में काम करते हैं । | राजा बीमार है । | {PER} ने {PER} से शादी की ।
# ar
first: أحمد | فاطمة | علي | مريم | خالد | ليلى | يوسف | سارة | حسن | زينب | عمر | نور
seen: *
frames: أخي طبيب . | أخي {PER} طبيب . | اتصلت أمك هذا الصباح | انتقل والداي إلى {LOC} . | التقى الرئيس الوزير في {LOC} . | زار الوزير {LOC} يوم الاثنين . | يعمل الطبيب والمعلمة في {LOC} . | السيد {PER} ينتظر في الخارج . | {PER} يحب {LOC} | يريد {PER} أن يرى {LOC} . | خالي {PER} يعمل في {ORG} . | الملك مريض . | تزوج {PER} من {PER} . | عاد الرئيس من {LOC} .
# th
first: สมศรี | สมศักดิ์ | ประเสริฐ | วิชัย | สุดา | มาลี | อนันต์ | นภา | สุรชัย | พิมพ์ | สมพร | สมหมาย | สมเกียรติ | สมบัติ | สมหญิง | วิชาญ | ณัฐพล | ธนพล | กิตติ | สุรศักดิ์ | ประยุทธ์ | ทักษิณ | อภิชาติ | พรชัย | วีระ | สุชาติ | มานะ | มานี | วรรณา | อรทัย | กนกวรรณ | ศิริพร | จิราพร | พิชัย | บุญมี | ไพโรจน์ | สุวิทย์ | ปราณี | รัชนี | ยุพา | ธีระ | ชัยวัฒน์ | วันชัย | ณรงค์ | ประสิทธิ์ | สุรพล
seen: *
frames: พี่ชาย ของ ฉัน เป็น หมอ | พี่สาว ของ ฉัน ชื่อ {PER} | แม่ ของ ฉัน โทร มา เมื่อเช้า | พ่อแม่ ของ ฉัน ย้าย ไป {LOC} | ประธานาธิบดี พบ รัฐมนตรี ที่ {LOC} | รัฐมนตรี เยือน {LOC} เมื่อวาน | หมอ และ ครู ทำงาน ที่ {LOC} | คุณ {PER} รอ อยู่ ข้างนอก | {PER} รัก {LOC} | {PER} อยาก ไป {LOC} | {PER} ทำงาน ที่ {ORG} | {PER} เรียน ที่ {LOC} | {PER} เกิด ที่ {LOC} | ครู ของ เรา ไม่ เคย ไป {LOC} | {PER} อยู่ บ้าน | {PER} อยู่ กับ {PER} | {PER} ไม่ อยู่ | {PER} พัก อยู่ ใน {LOC} | {PER} อยู่ {LOC} มา สิบ ปี แล้ว | บ้าน ของ {PER} อยู่ ใกล้ {LOC} | {PER} ไป {LOC} | {PER} เดินทาง ไป {LOC} เมื่อวาน | เขา อยู่ ที่ {LOC} | {PER} กลับ จาก {LOC} | {PER} โทร หา {PER} | ฉัน รัก {LOC} | โรงเรียน อยู่ ใน {LOC} | พ่อ อยู่ บ้าน
# ja
first: 健太 | 美咲 | 翔太 | 陽子 | 大輔 | 直樹 | 恵子 | 由美 | 拓也 | 真由美
seen: *
frames: 私 の 兄 は 医者 です 。 | 兄 の {PER} は 医者 です 。 | 母 が 今朝 電話 し まし た 。 | 両親 は {LOC} に 引っ越し まし た 。 | 大統領 は {LOC} で 大臣 に 会い まし た 。 | 大臣 は 月曜日 に {LOC} を 訪問 し た 。 | 医者 と 先生 は {LOC} で 働い て い ます 。 | {PER} さん は 外 で 待っ て い ます 。 | {PER} は {LOC} が 好き です 。 | {PER} は {PER} と 結婚 し た 。 | 叔父 の {PER} は {ORG} で 働い て いる 。 | 王 は 病気 です 。 | {PER} 先生 は {LOC} 出身 です 。
# zh
first: 小红 | 婷婷 | 浩 | 磊 | 丽娜 | 志强 | 海燕 | 俊杰 | 雪梅 | 晓东
seen: *
frames: 我 哥哥 是 医生 。 | 我 姐姐 {PER} 是 医生 。 | 你 妈妈 早上 打 电话 了 。 | 我 父母 搬 {TO} 了 。 | 总统 {AT} 会见 了 部长 。 | 部长 星期一 访问 了 {LOC} 。 | 医生 和 老师 {AT} 工作 。 | {PER} 先生 在 外面 等 着 。 | {PER} 女士 来自 {LOC} 。 | {PER} 喜欢 {LOC} | {PER} 想 看看 {LOC} 。 | {PER} 和 {PER} 结婚 了 。 | 我 叔叔 {PER} 在 {ORG} 工作 。 | 国王 病 了 。 | 我们 老师 从来 没 去 过 {LOC} 。
# zh-Hant
first: 小紅 | 婷婷 | 浩 | 雅婷 | 麗娜 | 志強 | 淑芬 | 俊傑 | 雪梅 | 家豪
seen: *
frames: 我 哥哥 是 醫生 。 | 我 姐姐 {PER} 是 醫生 。 | 你 媽媽 早上 打 電話 了 。 | 我 父母 搬 {TO} 了 。 | 總統 {AT} 會見 了 部長 。 | 部長 星期一 訪問 了 {LOC} 。 | 醫生 和 老師 {AT} 工作 。 | {PER} 先生 在 外面 等 著 。 | {PER} 女士 來自 {LOC} 。 | {PER} 喜歡 {LOC} | {PER} 想 看看 {LOC} 。 | {PER} 和 {PER} 結婚 了 。 | 我 叔叔 {PER} 在 {ORG} 工作 。 | 國王 病 了 。 | 我們 老師 從來 沒 去 過 {LOC} 。
"""


def read_people() -> Dict[str, Dict[str, List[List[str]]]]:
    """By language: `first`, `seen` and `frames`, each entry as its words."""
    return read_blocks(_PEOPLE)


def read_blocks(text: str) -> Dict[str, Dict[str, List[List[str]]]]:
    """Lists by language and name: a block begins with "# language", a line of it is "name: entry | entry"."""
    blocks = {}
    for block in text.strip("# \n").split("\n# "):
        language, *lines = block.split("\n")
        pairs = (line.split(": ", 1) for line in lines)
        blocks[language] = {key: [entry.split() for entry in content.split(" | ")] for key, content in pairs}
    return blocks
