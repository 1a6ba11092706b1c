"""Common names and places, and sentences for them, written for the training of the model in the package.

The corpora have rare names in plenty, and the everyday ones no more often than those; places after a preposition
bend in many languages. In `at` (where?), `to` (where to?) and `seen` (as an object) the leading words that begin with
a small letter belong to no name, and `*` stands for each of `loc`. bundled_people.py has more. No sentence of
tests/everyday.py is among the frames.
"""

import random
from dataclasses import dataclass
from typing import Dict, List, Tuple

from bundled_people import read_blocks, read_people

_NAMES = """
# en
first: Emma | Oliver | Sophie | James | Lucy | Daniel | Sarah | Tom | Alice | David | Rachel | Ben | Laura | Michael | Kate | Robert | Julia | Mark | Helen | Peter
last: Smith | Johnson | Brown | Taylor | Wilson | Evans | Walker | Green | Baker | Clark | Hall | Wright | Turner | Cooper | Parker | Morgan
loc: London | Paris | New York | Los Angeles | Chicago | Boston | San Francisco | Washington | Dublin | Edinburgh | Sydney | Toronto | Tokyo | Rome | Madrid | Germany | France | Italy | Spain | China | India | Canada | Mexico | Australia | Egypt | California | Texas | Scotland
org: Google | Apple | Amazon | IBM | Toyota | BBC | NASA | Harvard University | Ford | Shell | Sony | Manchester United | United Nations | UNICEF | Intel | Facebook | Boeing | Barclays
at: in *
to: to *
frames: {PER} works {AT} . | We moved {TO} last year . | {PER} is flying {TO} tomorrow . | {PER} works at {ORG} . | {PER} grew up {AT} and studied {AT} . | The bus {TO} was full . | {PER} and {PER} met {AT} in 2010 . | {ORG} opened an office {AT} . | The weather {AT} is terrible today | Hello {PER} , how are you ? | {PER} called me from {LOC} . | {LOC} and {LOC} signed an agreement . | The mayor of {LOC} resigned . | My boss {PER} moved {TO} . | {ORG} announced new products . | I met {PER} at {ORG} . | Have you seen {PER} ? | Today is a good day .
# de
first: Anna | Lukas | Sophie | Max | Julia | Felix | Laura | Paul | Katharina | Stefan | Sabine | Michael | Lena | Jonas | Ursula | Klaus | Monika | Andreas
last: Schmidt | Schneider | Fischer | Weber | Meyer | Wagner | Becker | Schulz | Hoffmann | Koch | Bauer | Richter | Klein | Wolf | Neumann
loc: Berlin | Hamburg | München | Köln | Frankfurt | Wien | Zürich | Leipzig | Dresden | Stuttgart | Paris | London | New York | Rom | Prag | Deutschland | Österreich | Frankreich | Italien | Spanien | Polen | China | Japan | Bayern | Europa
org: Siemens | Volkswagen | BMW | Deutsche Bank | Bayer | SAP | Lufthansa | Deutsche Bahn | Google | Bosch | ZDF | Bayern München | Borussia Dortmund | SPD | CDU | Allianz
at: in *
to: nach *
frames: {PER} arbeitet {AT} . | Wir ziehen nächstes Jahr {TO} . | {PER} fliegt morgen {TO} . | {PER} ist Chefin bei {ORG} . | {PER} ist {AT} aufgewachsen . | Der Zug {TO} hat Verspätung . | {ORG} baut ein Werk {AT} . | Das Wetter {AT} ist schlecht | Hallo {PER} , wie geht es dir ? | Meine Schwester {PER} studiert {AT} . | {LOC} und {LOC} haben sich geeinigt . | Der Bürgermeister von {LOC} tritt zurück . | Hast du {PER} gesehen ? | Heute ist ein guter Tag . | {PER} traf {PER} {AT} .
# es
first: Carmen | José | Lucía | Antonio | Isabel | Miguel | Laura | Carlos | Ana | Javier | Elena | Pablo | Marta | Luis | Sofía | Diego
last: Fernández | González | Rodríguez | López | Martínez | Sánchez | Pérez | Gómez | Ruiz | Díaz | Moreno | Torres | Romero | Navarro
loc: Barcelona | Sevilla | Valencia | Bilbao | Madrid | Buenos Aires | Bogotá | Lima | París | Londres | Nueva York | Roma | España | México | Argentina | Chile | Perú | Colombia | Francia | Alemania | Italia | China | Cuba
org: Telefónica | Banco Santander | Real Madrid | Iberia | Repsol | Google | Microsoft | Naciones Unidas | Inditex | FC Barcelona | Toyota | BBVA
at: en *
to: a *
frames: {PER} trabaja {AT} . | Nos mudamos {TO} el año pasado . | {PER} vuela mañana {TO} . | {PER} trabaja para {ORG} . | {PER} estudió {AT} . | {ORG} abrió una oficina {AT} . | Hace mucho calor {AT} | Hola {PER} , ¿ cómo estás ? | Mi hermano {PER} llegó {TO} ayer . | {LOC} y {LOC} firmaron un acuerdo . | El alcalde de {LOC} dimitió . | ¿ Has visto a {PER} ? | Hoy es un buen día . | Conocí a {PER} {AT} .
# fr
first: Camille | Nicolas | Marie | Julien | Sophie | Thomas | Claire | Antoine | Isabelle | François | Chloé | Louis | Nathalie | Michel | Juliette | Hugo
last: Martin | Bernard | Dubois | Durand | Leroy | Moreau | Laurent | Lefebvre | Roux | Fournier | Girard | Lambert | Dupont | Mercier
loc: Marseille | Lyon | Bordeaux | Toulouse | Nice | Paris | Bruxelles | Genève | Montréal | Londres | New York | Rome | Berlin | France | Belgique | Suisse | Allemagne | Italie | Espagne | Chine | Canada | Bretagne
org: Renault | Air France | TotalEnergies | SNCF | Airbus | Peugeot | Orange | Google | BNP Paribas | Carrefour | Paris Saint-Germain | Le Monde | Nations unies
at: à Marseille | à Bordeaux | à Toulouse | à Nice | à Bruxelles | à Genève | à Montréal | à Londres | à New York | à Rome | en France | en Belgique | en Suisse | en Allemagne | en Italie | en Chine | au Canada
to: à Marseille | à Bordeaux | à Londres | à New York | à Rome | à Berlin | en Italie | en Espagne | en Suisse | au Japon | vers Paris | pour Lyon
frames: {PER} travaille {AT} . | Nous partons demain {TO} . | {PER} est né {AT} . | {PER} travaille chez {ORG} . | {ORG} a ouvert un bureau {AT} . | Il fait beau {AT} | Bonjour {PER} , comment vas-tu ? | Ma sœur {PER} étudie {AT} . | Le maire de {LOC} a démissionné . | As-tu vu {PER} ? | C'est une belle journée . | {PER} a rencontré {PER} {AT} . | Le train {TO} est en retard .
# nl
first: Emma | Daan | Sophie | Pieter | Anna | Willem | Lotte | Bram | Maria | Kees | Eva | Thijs | Femke | Joris | Saskia | Ruud
last: de Jong | Jansen | Bakker | Visser | Smit | Meijer | de Boer | Mulder | Bos | Vos | Peters | Hendriks | van Dijk | van den Berg
loc: Rotterdam | Utrecht | Den Haag | Eindhoven | Groningen | Antwerpen | Brussel | Gent | Parijs | Londen | Berlijn | New York | Nederland | België | Duitsland | Frankrijk | Spanje | China | Europa
org: Philips | Shell | KLM | ING | Ajax | Heineken | Google | ASML | Feyenoord | Rabobank | NOS | Albert Heijn
at: in *
to: naar *
frames: {PER} werkt {AT} . | Wij verhuizen volgend jaar {TO} . | {PER} vliegt morgen {TO} . | {PER} werkt bij {ORG} . | {PER} is geboren {AT} . | De trein {TO} is te laat . | {ORG} opent een kantoor {AT} . | Het weer {AT} is slecht | Hallo {PER} , hoe gaat het ? | Mijn zus {PER} studeert {AT} . | De burgemeester van {LOC} treedt af . | Heb je {PER} gezien ? | Vandaag is een mooie dag .
# pl
first: Maria | Piotr | Katarzyna | Tomasz | Agnieszka | Marek | Ewa | Paweł | Magdalena | Krzysztof | Zofia | Michał | Barbara | Andrzej | Joanna | Adam
last: Nowak | Wiśniewski | Wójcik | Kamiński | Lewandowski | Zieliński | Szymański | Dąbrowski | Mazur | Krawczyk | Piotrowski | Grabowski
loc: Warszawa | Kraków | Gdańsk | Wrocław | Poznań | Łódź | Lublin | Paryż | Londyn | Berlin | Praga | Nowy Jork | Polska | Niemcy | Francja | Włochy | Hiszpania | Ukraina | Chiny
org: PKO | Orlen | Allegro | Google | Legia Warszawa | TVP | Uniwersytet Warszawski | LOT | Volkswagen | Gazeta Wyborcza
at: w Gdańsku | w Krakowie | w Poznaniu | we Wrocławiu | w Łodzi | w Paryżu | w Londynie | w Berlinie | w Nowym Jorku | w Polsce | w Niemczech | we Francji | we Włoszech | w Hiszpanii | w Warszawie | w Europie
to: do Gdańska | do Warszawy | do Poznania | do Wrocławia | do Paryża | do Londynu | do Berlina | do Nowego Jorku | do Polski | do Niemiec | do Francji | do Włoch | do Rzymu
frames: {PER} pracuje {AT} . | Jutro lecimy {TO} . | {PER} urodził się {AT} . | {PER} pracuje w firmie {ORG} . | {PER} studiuje {AT} . | Pociąg {TO} jest opóźniony . | {ORG} otworzył biuro {AT} . | Pogoda {AT} jest zła | Cześć {PER} , jak się masz ? | Mój brat {PER} wrócił {TO} . | Widziałeś {PER} ? | Dzisiaj jest dobry dzień .
# pt
first: Maria | José | Ana | António | Joana | Pedro | Beatriz | Rui | Inês | Tiago | Carla | Miguel | Sofia | Paulo | Fernanda | Lucas
last: Santos | Ferreira | Pereira | Oliveira | Costa | Rodrigues | Martins | Sousa | Fernandes | Gonçalves | Gomes | Almeida | Ribeiro
loc: Porto | Coimbra | Lisboa | São Paulo | Rio de Janeiro | Brasília | Salvador | Paris | Londres | Nova York | Madrid | Roma | Portugal | Brasil | Angola | Espanha | França | Alemanha | China
org: Petrobras | Benfica | TAP | Google | Banco do Brasil | Flamengo | Sporting | Globo | Microsoft | Nações Unidas | Universidade de Lisboa
at: em Lisboa | em Coimbra | em São Paulo | em Brasília | em Paris | em Londres | em Nova York | em Roma | no Porto | no Rio de Janeiro | no Brasil | em Portugal | na França | na Alemanha | em Angola
to: para Lisboa | para São Paulo | para Londres | para Paris | para o Brasil | para Portugal | para a Espanha | para a França | a Coimbra | ao Porto
frames: {PER} trabalha {AT} . | Mudámos {TO} no ano passado . | {PER} viaja amanhã {TO} . | {PER} trabalha na {ORG} . | {PER} nasceu {AT} . | {ORG} abriu um escritório {AT} . | Está muito calor {AT} | Olá {PER} , como estás ? | O meu irmão {PER} estuda {AT} . | O prefeito de {LOC} renunciou . | Você viu {PER} ? | Hoje é um bom dia . | {PER} e {PER} voltaram {TO} .
# ru
first: Иван | Мария | Дмитрий | Елена | Алексей | Ольга | Сергей | Наталья | Андрей | Татьяна | Михаил | Ирина | Николай | Екатерина | Павел | Светлана
last: Иванов | Петров | Смирнов | Кузнецов | Попов | Соколов | Лебедев | Новиков | Морозов | Волков | Павлов | Фёдоров
loc: Москва | Санкт-Петербург | Казань | Новосибирск | Киев | Минск | Париж | Лондон | Берлин | Рим | Нью-Йорк | Россия | Германия | Франция | Китай | Италия | Украина | США | Сибирь
org: Газпром | Яндекс | Сбербанк | Google | Аэрофлот | Спартак | Зенит | МГУ | Роснефть | ООН | Лукойл
at: в Москве | в Казани | в Новосибирске | в Киеве | в Минске | в Париже | в Берлине | в Нью-Йорке | в Риме | в России | в Германии | во Франции | в Китае | в Италии | в Санкт-Петербурге | в США
to: в Казань | в Киев | в Минск | в Париж | в Лондон | в Берлин | в Рим | в Нью-Йорк | в Россию | в Германию | во Францию | в Китай | в Италию | в Санкт-Петербург
frames: {PER} работает {AT} . | Завтра мы летим {TO} . | {PER} родился {AT} . | {PER} работает в компании {ORG} . | {PER} учится {AT} . | Поезд {TO} опаздывает . | {ORG} открыл офис {AT} . | Погода {AT} плохая | Привет , {PER} , как дела ? | Мой брат {PER} вернулся {TO} . | Ты видел , как {PER} танцует ? | Сегодня хороший день . | {PER} и {PER} встретились {AT} .
# da
first: Mette | Søren | Anne | Peter | Kirsten | Jens | Hanne | Niels | Camilla | Mads | Ida | Frederik | Louise | Morten
last: Jensen | Nielsen | Pedersen | Andersen | Christensen | Larsen | Sørensen | Rasmussen | Jørgensen | Madsen | Kristensen
loc: Aarhus | Odense | Aalborg | København | Malmø | Oslo | Stockholm | Berlin | Paris | London | New York | Danmark | Sverige | Norge | Tyskland | Frankrig | Italien | Kina | Grønland
org: Novo Nordisk | Mærsk | Lego | Carlsberg | Danske Bank | DR | Google | Folketinget | Brøndby | Vestas | DSB
at: i *
to: til *
frames: {PER} arbejder {AT} . | Vi flytter {TO} næste år . | {PER} flyver {TO} i morgen . | {PER} arbejder hos {ORG} . | {PER} er født {AT} . | Toget {TO} er forsinket . | {ORG} åbner et kontor {AT} . | Vejret {AT} er dårligt | Hej {PER} , hvordan går det ? | Min bror {PER} læser {AT} . | Borgmesteren i {LOC} går af . | Har du set {PER} ? | I dag er en god dag .
# hr
first: Ana | Marko | Marija | Luka | Petra | Josip | Ivana | Tomislav | Katarina | Ante | Maja | Stjepan | Lucija | Filip
last: Kovačević | Babić | Marić | Jurić | Novak | Kovačić | Knežević | Vuković | Marković | Petrović | Matić | Tomić
loc: Zagreb | Split | Rijeka | Osijek | Zadar | Dubrovnik | Beograd | Sarajevo | Beč | Pariz | London | New York | Hrvatska | Njemačka | Italija | Francuska | Slovenija | Kina
org: Ina | Dinamo | Hajduk | Podravka | Google | Croatia Airlines | HDZ | Agrokor | Hrvatska narodna banka | NATO
at: u Splitu | u Rijeci | u Osijeku | u Zadru | u Dubrovniku | u Beogradu | u Sarajevu | u Beču | u Parizu | u Londonu | u New Yorku | u Hrvatskoj | u Njemačkoj | u Italiji | u Francuskoj | u Zagrebu
to: u Split | u Rijeku | u Zagreb | u Zadar | u Dubrovnik | u Beč | u Pariz | u London | u New York | u Italiju | u Francusku | u Sloveniju | u Hrvatsku
frames: {PER} radi {AT} . | Sutra letimo {TO} . | {PER} je rođen {AT} . | {PER} radi u tvrtki {ORG} . | {PER} studira {AT} . | Vlak {TO} kasni . | {ORG} otvara ured {AT} . | Vrijeme {AT} je loše | Bok {PER} , kako si ? | Moj brat {PER} se preselio {TO} . | {PER} i {PER} su se upoznali {AT} . | Danas je lijep dan . | Predsjednica je stigla {TO} .
# sk
first: Ján | Zuzana | Martin | Katarína | Jozef | Anna | Michal | Eva | Tomáš | Jana | Milan | Lucia | Pavol | Monika
last: Horváth | Kováč | Varga | Tóth | Nagy | Baláž | Molnár | Szabó | Polák | Hudák | Krajčí
loc: Bratislava | Košice | Žilina | Nitra | Prešov | Praha | Viedeň | Budapešť | Paríž | Londýn | New York | Slovensko | Česko | Nemecko | Francúzsko | Taliansko | Poľsko | Čína
org: Slovnaft | Tatra banka | Slovan Bratislava | Google | Volkswagen | RTVS | Kia | Univerzita Komenského | OSN
at: v Košiciach | v Žiline | v Nitre | v Prešove | v Prahe | vo Viedni | v Budapešti | v Paríži | v Londýne | v New Yorku | na Slovensku | v Česku | v Nemecku | vo Francúzsku | v Bratislave
to: do Košíc | do Žiliny | do Nitry | do Bratislavy | do Viedne | do Budapešti | do Paríža | do Londýna | do New Yorku | na Slovensko | do Česka | do Nemecka | do Francúzska
frames: {PER} pracuje {AT} . | Zajtra letíme {TO} . | {PER} sa narodil {AT} . | {PER} pracuje pre {ORG} . | {PER} študuje {AT} . | Vlak {TO} mešká . | {ORG} otvára kanceláriu {AT} . | Počasie {AT} je zlé | Ahoj {PER} , ako sa máš ? | Môj brat {PER} sa vrátil {TO} . | {PER} a {PER} sa stretli {AT} . | Dnes je dobrý deň .
# sr
first: Marko | Jelena | Nikola | Ana | Stefan | Milica | Dragan | Ivana | Miloš | Jovana | Aleksandar | Marija | Nemanja | Katarina
last: Jovanović | Nikolić | Marković | Đorđević | Stojanović | Ilić | Stanković | Pavlović | Popović | Milošević | Savić
loc: Beograd | Novi Sad | Niš | Kragujevac | Sarajevo | Zagreb | Podgorica | Beč | Pariz | London | Njujork | Moskva | Srbija | Nemačka | Francuska | Italija | Rusija | Kina
org: Crvena zvezda | Partizan | Telekom Srbija | NIS | Gugl | Er Srbija | RTS | Narodna banka Srbije | NATO
at: u Novom Sadu | u Nišu | u Kragujevcu | u Sarajevu | u Zagrebu | u Beču | u Parizu | u Londonu | u Njujorku | u Moskvi | u Srbiji | u Nemačkoj | u Francuskoj | u Italiji | u Beogradu
to: u Novi Sad | u Niš | u Beograd | u Zagreb | u Beč | u London | u Njujork | u Moskvu | u Nemačku | u Francusku | u Italiju | u Srbiju | u Kinu
frames: {PER} radi {AT} . | Sutra letimo {TO} . | {PER} je rođen {AT} . | {PER} radi u kompaniji {ORG} . | {PER} studira {AT} . | Voz {TO} kasni . | {ORG} otvara kancelariju {AT} . | Vreme {AT} je loše | Zdravo {PER} , kako si ? | Moj brat {PER} se preselio {TO} . | {PER} i {PER} su se sreli {AT} . | Danas je lep dan .
# sv
first: Karin | Lars | Eva | Johan | Maria | Anders | Sara | Mikael | Emma | Per | Elin | Oskar | Kristina | Gustav
last: Andersson | Johansson | Karlsson | Nilsson | Eriksson | Larsson | Olsson | Persson | Lindberg | Berg | Lindgren
loc: Göteborg | Malmö | Uppsala | Lund | Stockholm | Oslo | Köpenhamn | Helsingfors | Berlin | Paris | London | New York | Sverige | Danmark | Finland | Tyskland | Frankrike | Italien | Kina
org: Volvo | Ericsson | Ikea | Spotify | SVT | Google | Saab | AIK | Riksbanken | SAS | Telia
at: i *
to: till *
frames: {PER} arbetar {AT} . | Vi flyttar {TO} nästa år . | {PER} flyger {TO} i morgon . | {PER} jobbar på {ORG} . | {PER} är född {AT} . | Tåget {TO} är försenat . | {ORG} öppnar ett kontor {AT} . | Vädret {AT} är dåligt | Hej {PER} , hur mår du ? | Min syster {PER} studerar {AT} . | Borgmästaren i {LOC} avgår . | Har du sett {PER} ? | I dag är en bra dag .
# fi
first: Jukka | Anna | Mikko | Laura | Timo | Maria | Antti | Sari | Pekka | Hanna | Juha | Elina | Kari | Liisa
last: Korhonen | Mäkinen | Nieminen | Mäkelä | Hämäläinen | Laine | Heikkinen | Koskinen | Järvinen | Lehtonen | Salonen
loc: Helsinki | Tampere | Turku | Oulu | Espoo | Tukholma | Tallinna | Berliini | Pariisi | Lontoo | New York | Moskova | Suomi | Ruotsi | Viro | Saksa | Ranska | Italia | Kiina
org: Nokia | Kone | Finnair | Yle | Google | Fortum | HJK | Helsingin yliopisto | Nordea | Neste
at: Tampereella | Turussa | Oulussa | Espoossa | Tukholmassa | Tallinnassa | Berliinissä | Pariisissa | Lontoossa | New Yorkissa | Moskovassa | Suomessa | Saksassa | Ranskassa | Italiassa | Kiinassa | Helsingissä
to: Tampereelle | Turkuun | Ouluun | Espooseen | Helsinkiin | Tukholmaan | Tallinnaan | Berliiniin | Pariisiin | Lontooseen | New Yorkiin | Moskovaan | Suomeen | Saksaan | Ranskaan | Italiaan | Viroon
frames: {PER} työskentelee {AT} . | Lennämme huomenna {TO} . | {PER} syntyi {AT} . | {PER} on töissä yrityksessä {ORG} . | {PER} opiskelee {AT} . | Juna {TO} on myöhässä . | {ORG} avaa toimiston {AT} . | Sää {AT} on huono | Hei {PER} , mitä kuuluu ? | Veljeni {PER} muutti {TO} . | {PER} ja {PER} tapasivat {AT} . | Tänään on hyvä päivä . | Ministeri lähti {TO} .
# tr
first: Mustafa | Ayşe | Ali | Fatma | Hasan | Zeynep | Emre | Elif | Hüseyin | Merve | Murat | Emine | Can | Selin
last: Kaya | Demir | Çelik | Şahin | Öztürk | Aydın | Arslan | Doğan | Kılıç | Aslan | Koç | Kurt
loc: İstanbul | Ankara | İzmir | Bursa | Antalya | Adana | Paris | Londra | Berlin | New York | Moskova | Roma | Türkiye | Almanya | Fransa | İtalya | Yunanistan | Çin
org: Galatasaray | Fenerbahçe | Beşiktaş | Türk Hava Yolları | Arçelik | Google | TRT | Garanti Bankası | Boğaziçi Üniversitesi | Turkcell
at: İzmir'de | Bursa'da | Antalya'da | Adana'da | Ankara'da | Paris'te | Londra'da | Berlin'de | New York'ta | Moskova'da | Roma'da | Türkiye'de | Almanya'da | Fransa'da | İtalya'da | İstanbul'da
to: İzmir'e | Bursa'ya | Antalya'ya | Adana'ya | İstanbul'a | Paris'e | Londra'ya | Berlin'e | New York'a | Moskova'ya | Roma'ya | Türkiye'ye | Almanya'ya | Fransa'ya | İtalya'ya
frames: {PER} {AT} çalışıyor . | Yarın {TO} uçuyoruz . | {PER} {AT} doğdu . | {PER} , {ORG} için çalışıyor . | {PER} {AT} okuyor . | {ORG} {AT} ofis açtı . | Hava {AT} çok kötü | Merhaba {PER} , nasılsın ? | Kardeşim {PER} {TO} taşındı . | {PER} ve {PER} {AT} tanıştı . | Bugün güzel bir gün . | {PER} dün {TO} geldi .
# hu
first: Anna | Péter | Katalin | László | Éva | Gábor | Zsófia | András | Mária | Zoltán | Eszter | István | Judit | Balázs
last: Nagy | Tóth | Szabó | Horváth | Varga | Kiss | Molnár | Németh | Farkas | Balogh | Papp | Lakatos
loc: Budapest | Debrecen | Szeged | Pécs | Győr | Miskolc | Bécs | Prága | Párizs | London | New York | Róma | Magyarország | Ausztria | Németország | Franciaország | Olaszország | Kína
org: MOL | OTP | Ferencváros | Richter | Google | MTA | Wizz Air | Fidesz | ELTE | MÁV
at: Debrecenben | Szegeden | Pécsen | Győrben | Miskolcon | Bécsben | Prágában | Párizsban | Londonban | New Yorkban | Rómában | Magyarországon | Ausztriában | Németországban | Franciaországban | Olaszországban | Budapesten
to: Debrecenbe | Szegedre | Pécsre | Győrbe | Budapestre | Bécsbe | Prágába | Párizsba | Londonba | New Yorkba | Rómába | Magyarországra | Ausztriába | Franciaországba | Olaszországba | Kínába
frames: {PER} {AT} dolgozik . | Holnap {TO} repülünk . | {PER} {AT} született . | {PER} a {ORG} munkatársa . | {PER} {AT} tanul . | A vonat {TO} késik . | A {ORG} irodát nyit {AT} . | {AT} rossz az idő | Szia {PER} , hogy vagy ? | A bátyám , {PER} , {TO} költözött . | {PER} és {PER} {AT} találkozott . | Ma szép nap van . | Az elnök tegnap {TO} érkezett .
# lv
first: Anna | Andris | Ilze | Mārtiņš | Kristīne | Juris | Inese | Pēteris | Līga | Edgars | Laura | Artūrs | Zane | Toms
last: Kalniņš | Ozoliņš | Liepiņš | Krūmiņš | Balodis | Eglītis | Zariņš | Pētersons | Vītols | Jansons
loc: Rīga | Liepāja | Daugavpils | Jelgava | Ventspils | Tallina | Viļņa | Maskava | Berlīne | Parīze | Londona | Ņujorka | Latvija | Igaunija | Lietuva | Francija | Itālija | Krievija | Ķīna
org: Latvenergo | airBaltic | Swedbank | Google | Latvijas Universitāte | LTV | Rimi | Saeima | Latvijas Banka
at: Liepājā | Daugavpilī | Jelgavā | Ventspilī | Tallinā | Viļņā | Maskavā | Berlīnē | Parīzē | Londonā | Ņujorkā | Latvijā | Igaunijā | Lietuvā | Vācijā | Francijā | Itālijā | Rīgā
to: uz Liepāju | uz Daugavpili | uz Rīgu | uz Jelgavu | uz Tallinu | uz Viļņu | uz Maskavu | uz Berlīni | uz Parīzi | uz Londonu | uz Ņujorku | uz Igauniju | uz Lietuvu | uz Itāliju
frames: {PER} strādā {AT} . | Rīt mēs lidojam {TO} . | {PER} ir dzimis {AT} . | {PER} strādā uzņēmumā {ORG} . | {PER} studē {AT} . | Vilciens {TO} kavējas . | {ORG} atver biroju {AT} . | Laiks {AT} ir slikts | Sveiks , {PER} , kā tev iet ? | Mans brālis {PER} pārcēlās {TO} . | {PER} un {PER} satikās {AT} . | Šodien ir laba diena . | Ministre aizlidoja {TO} .
# ro
first: Maria | Andrei | Elena | Mihai | Ana | Alexandru | Ioana | Radu | Cristina | Vasile | Gabriela | Ștefan | Daniela | Victor
last: Ionescu | Popa | Radu | Dumitru | Stan | Stoica | Gheorghe | Rusu | Munteanu | Matei | Marin | Constantin
loc: Cluj | Timișoara | Iași | Constanța | Brașov | București | Chișinău | Paris | Londra | Berlin | Roma | New York | România | Franța | Germania | Italia | Spania | Ungaria | China
org: Petrom | Dacia | Steaua București | Google | Banca Transilvania | Tarom | Realitatea TV | PSD | ONU | Digi
at: în Cluj | în Timișoara | la Iași | în Constanța | în Brașov | la Paris | la Londra | în Berlin | la Roma | la New York | în România | în Germania | în Italia | în Spania | la București
to: la Cluj | la Timișoara | la Iași | spre București | la Londra | la Berlin | la Roma | spre Brașov | în Italia | în Spania | în Germania | în Ungaria
frames: {PER} lucrează {AT} . | Mâine zburăm {TO} . | {PER} s-a născut {AT} . | {PER} lucrează la {ORG} . | {PER} studiază {AT} . | Trenul {TO} întârzie . | {ORG} deschide un birou {AT} . | Vremea {AT} este rea | Salut {PER} , ce mai faci ? | Fratele meu {PER} s-a mutat {TO} . | Primarul din {LOC} a demisionat . | {PER} și {PER} s-au întâlnit {AT} . | Astăzi este o zi bună . | Ministrul a plecat {TO} ieri .
# kk
first: Айгүл | Нұрлан | Әсел | Ерлан | Динара | Бауыржан | Гүлнар | Серік | Мадина | Дәурен | Алия | Асқар | Жанар | Марат
last: Ахметов | Сәрсенов | Омаров | Ибраев | Әлиев | Жұмабаев | Қасымов | Оспанов | Сейтов | Төлеубаев
loc: Алматы | Астана | Шымкент | Қарағанды | Ақтөбе | Мәскеу | Пекин | Париж | Лондон | Берлин | Қазақстан | Ресей | Қытай | Түркия | Германия | Франция | Өзбекстан | АҚШ
org: Қазмұнайгаз | Қазақтелеком | Халық банкі | Google | Қайрат | ҚазҰУ | Эйр Астана | БҰҰ | Нұр Отан
at: Алматыда | Шымкентте | Қарағандыда | Ақтөбеде | Мәскеуде | Пекинде | Парижде | Лондонда | Берлинде | Қазақстанда | Ресейде | Қытайда | Түркияда | Германияда | Францияда
to: Алматыға | Шымкентке | Қарағандыға | Астанаға | Мәскеуге | Пекинге | Парижге | Лондонға | Берлинге | Қазақстанға | Ресейге | Түркияға | Германияға | Францияға
frames: {PER} {AT} жұмыс істейді . | Ертең біз {TO} ұшамыз . | {PER} {AT} туған . | {PER} {ORG} компаниясында істейді . | {PER} {AT} оқиды . | {ORG} {AT} кеңсе ашты . | {AT} ауа райы жаман | Сәлем {PER} , қалайсың ? | Інім {PER} {TO} көшті . | {PER} мен {PER} {AT} кездесті . | Бүгін жақсы күн . | Министр кеше {TO} келді .
# hi
first: अमित | प्रिया | राज | अंजलि | विजय | सुनीता | संजय | पूजा | अनिल | नेहा | रवि | सीमा | राहुल | कविता
last: शर्मा | वर्मा | सिंह | कुमार | गुप्ता | पटेल | यादव | मिश्रा | जोशी | खान | चौधरी
loc: दिल्ली | मुंबई | कोलकाता | चेन्नई | बेंगलुरु | जयपुर | लखनऊ | पेरिस | लंदन | न्यूयॉर्क | भारत | पाकिस्तान | चीन | अमेरिका | जापान | नेपाल | रूस | बिहार | गुजरात
org: टाटा | इन्फोसिस | रिलायंस | गूगल | कांग्रेस | भाजपा | भारतीय रेल | एयर इंडिया | संयुक्त राष्ट्र
at: * में
to: *
frames: {PER} {AT} पढ़ता है । | हम कल {TO} जा रहे हैं । | {PER} का जन्म {AT} हुआ । | {PER} {ORG} में काम करता है । | {ORG} ने {AT} दफ्तर खोला । | {AT} मौसम खराब है | नमस्ते {PER} , आप कैसे हैं ? | मेरा भाई {PER} {LOC} से आया । | {PER} और {PER} {AT} मिले । | आज अच्छा दिन है । | मेरी बहन {PER} {AT} है । | {LOC} के प्रधानमंत्री {LOC} पहुंचे ।
# ar
first: أحمد | فاطمة | علي | مريم | خالد | ليلى | يوسف | سارة | حسن | نور | عمر | هدى | إبراهيم | زينب
last: حسين | إبراهيم | الخطيب | العلي | منصور | السيد | عبد الله | الحسن | سالم | ناصر
loc: القاهرة | دمشق | بغداد | بيروت | الرياض | دبي | عمان | تونس | باريس | لندن | نيويورك | برلين | مصر | سوريا | العراق | لبنان | السعودية | المغرب | فرنسا | ألمانيا | الصين | أمريكا
org: أرامكو | الأهلي | الزمالك | جوجل | الأمم المتحدة | جامعة القاهرة | الجزيرة | مايكروسوفت | جامعة الدول العربية
at: في *
to: إلى *
frames: {PER} يعمل {AT} . | سنطير غدا {TO} . | ولد {PER} {AT} . | {PER} يعمل في شركة {ORG} . | {PER} يدرس {AT} . | افتتحت {ORG} مكتبا {AT} . | الطقس {AT} سيئ | مرحبا {PER} ، كيف حالك ؟ | انتقل أخي {PER} {TO} . | التقى {PER} و {PER} {AT} . | اليوم يوم جميل . | عاد الوزير {TO} أمس . | زارت {PER} {LOC} .
# th
first: สมศักดิ์ | สุดา | วิชัย | มาลี | ประเสริฐ | นภา | อนุชา | กานดา | ธนา | พิมพ์ | ชาติชาย | รัตนา
last: ใจดี | แสงทอง | สุขใจ | ศรีสุข | ทองดี | วงศ์สวัสดิ์
loc: กรุงเทพ | เชียงใหม่ | ภูเก็ต | ขอนแก่น | พัทยา | กรุงเทพมหานคร | โตเกียว | ปารีส | ลอนดอน | นิวยอร์ก | ไทย | ญี่ปุ่น | จีน | ลาว | พม่า | อเมริกา | อังกฤษ
org: การบินไทย | ธนาคารกรุงเทพ | กูเกิล | ปตท. | จุฬาลงกรณ์มหาวิทยาลัย | พรรคเพื่อไทย | สหประชาชาติ
at: ใน * | ที่ *
to: ไป *
frames: {PER} ทำงาน {AT} | พรุ่งนี้ เรา จะ {TO} | {PER} เกิด {AT} | {PER} ทำงาน กับ {ORG} | {PER} เรียน {AT} | {ORG} เปิด สำนักงาน {AT} | อากาศ {AT} ไม่ ดี | สวัสดี {PER} | น้องชาย ของ ฉัน ชื่อ {PER} | {PER} กับ {PER} พบ กัน {AT} | วันนี้ เป็น วัน ที่ ดี | รัฐมนตรี เดินทาง ถึง {LOC} เมื่อวาน
# ja
first: 太郎 | 花子 | 健一 | 美咲 | 翔太 | 陽子 | 大輔 | 恵子 | 誠 | 由美
last: 佐藤 | 鈴木 | 高橋 | 伊藤 | 渡辺 | 山本 | 中村 | 小林 | 加藤 | 吉田 | 山田
loc: 大阪 | 京都 | 名古屋 | 札幌 | 福岡 | 横浜 | 東京 | 北海道 | 沖縄 | パリ | ロンドン | ニューヨーク | ベルリン | 日本 | 中国 | 韓国 | アメリカ | フランス | ドイツ | イタリア
org: トヨタ | ソニー | 任天堂 | グーグル | 東京大学 | NHK | ホンダ | 日本銀行 | 国連 | 三菱
at: * で
to: * へ | * に
frames: {PER} さん は {AT} 働い て い ます 。 | 明日 {TO} 行き ます 。 | {PER} は {AT} 生まれ まし た 。 | {PER} さん は {ORG} で 働い て い ます 。 | {ORG} は {AT} 工場 を 作っ た 。 | {LOC} の 天気 は 悪い です 。 | こんにちは 、 {PER} さん 。 | 弟 の {PER} は {TO} 引っ越し た 。 | {PER} と {PER} は {AT} 会っ た 。 | 今日 は いい 日 です 。 | 首相 は {LOC} を 訪問 し た 。
# zh
first: 伟 | 芳 | 娜 | 强 | 静 | 敏 | 丽 | 军 | 洋 | 建国 | 小红 | 志明
last: 王 | 张 | 刘 | 陈 | 杨 | 赵 | 黄 | 周 | 吴 | 徐 | 孙
loc: 上海 | 广州 | 深圳 | 北京 | 南京 | 成都 | 香港 | 台湾 | 巴黎 | 伦敦 | 纽约 | 东京 | 中国 | 美国 | 日本 | 德国 | 英国 | 俄罗斯 | 印度 | 四川
org: 华为 | 阿里巴巴 | 腾讯 | 谷歌 | 清华大学 | 北京大学 | 中国银行 | 联合国 | 国务院 | 丰田
at: 在 *
to: 到 * | 去 *
frames: {PER} {AT} 工作 。 | 明天 我们 {TO} 。 | {PER} 出生 于 {LOC} 。 | {PER} 是 {ORG} 的 员工 。 | {ORG} {AT} 开设 了 办事处 。 | {LOC} 的 天气 很 差 。 | 你好 ， {PER} 。 | 我 弟弟 {PER} 搬 {TO} 了 。 | {PER} 和 {PER} {AT} 见面 了 。 | 今天 是 个 好 日子 。 | 总统 访问 了 {LOC} 。 | {LOC} 总理 抵达 {LOC} 。
# zh-Hant
first: 偉 | 芳 | 娜 | 強 | 靜 | 敏 | 麗 | 軍 | 洋 | 建國 | 美玲 | 志明
last: 陳 | 林 | 黃 | 張 | 李 | 吳 | 劉 | 蔡 | 楊 | 許 | 鄭
loc: 高雄 | 台中 | 台南 | 香港 | 上海 | 北京 | 臺灣 | 台灣 | 巴黎 | 倫敦 | 紐約 | 東京 | 中國 | 美國 | 日本 | 德國 | 英國 | 韓國 | 新竹
org: 台積電 | 鴻海 | 谷歌 | 台灣大學 | 中華航空 | 聯合國 | 立法院 | 國民黨 | 豐田
at: 在 *
to: 到 * | 去 *
frames: {PER} {AT} 工作 。 | 明天 我們 {TO} 。 | {PER} 出生 於 {LOC} 。 | {PER} 是 {ORG} 的 員工 。 | {ORG} {AT} 開設 了 辦事處 。 | {LOC} 的 天氣 很 差 。 | 你好 ， {PER} 。 | 我 弟弟 {PER} 搬 {TO} 了 。 | {PER} 和 {PER} {AT} 見面 了 。 | 今天 是 個 好 日子 。 | 總統 訪問 了 {LOC} 。 | {LOC} 總理 抵達 {LOC} 。
"""

SURNAME_FIRST = {"hu", "ja", "zh", "zh-Hant"}
JOINED = {"zh", "zh-Hant"}  # a name is mostly one word there


@dataclass(frozen=True)
class EverydayNames:
    """The lists of one language; each entry as its words."""

    language: str
    first: List[List[str]]
    last: List[List[str]]
    loc: List[List[str]]
    org: List[List[str]]
    at: List[List[str]]
    to: List[List[str]]
    seen: List[List[str]]
    frames: List[List[str]]

    def pick(self, kind: int, rng: random.Random) -> List[str]:
        """A name: kinds 0 PER, 1 ORG, 2 LOC."""
        if kind:
            return rng.choice(self.org if kind == 1 else self.loc)
        first, last = rng.choice(self.first), rng.choice(self.last)
        draw = rng.random()
        if self.language not in JOINED and draw < 0.5:
            return first if draw < 0.4 else last
        words = last + first if self.language in SURNAME_FIRST else first + last
        return ["".join(words)] if self.language in JOINED and draw < 0.8 else words

    def pick_place(self, way: str, rng: random.Random) -> Tuple[List[str], int, int]:
        """A place with its preposition or ending, `at`, `to` or `seen`: the words, and where the name begins and ends."""
        phrase = rng.choice(getattr(self, way))
        if "*" in phrase:
            at, name = phrase.index("*"), rng.choice(self.loc)
            return phrase[:at] + name + phrase[at + 1 :], at, at + len(name)
        at = next(i for i, word in enumerate(phrase) if not word[0].islower())
        return phrase, at, len(phrase)


def read_names() -> Dict[str, EverydayNames]:
    """The lists by language."""
    names = {}
    people = read_people()
    for language, lists in read_blocks(_NAMES).items():
        for key, entries in people[language].items():
            lists[key] = lists.get(key, []) + entries
        names[language] = EverydayNames(language, **lists)
    return names
